from typing import Any

import keras

from keras_vat import arguments
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.evaluation.batches import check_inputs, endless_batches, passes
from keras_vat.forward.measured_averages import (
    MeasuredAverages,
    classifier_of,
    layers_with_averages,
)


class BatchNormReestimation(keras.callbacks.Callback):
    """Replaces the moving averages of normalisation layers by plain averages when training ends.

    Moving averages trail behind the weights and, by `VATModel`'s policy `"batch"`, are fed by the
    labelled batches alone. Made for that policy, the papers'; by `"auto"`, the default, `fit`
    measures them by itself, over its last batches. When `fit` ends, this passes `steps` batches of
    `x` through the classifier as in training and gives every `BatchNormalization` the mean of the
    batch statistics. Nothing else changes: weights, dropout seeds and other state are as they were.
    Validation inside `fit` still sees the old averages; `evaluate` afterwards sees the new ones.
    After `EarlyStopping(restore_best_weights=True)`, list this callback behind it.

    It helped VAT on MNIST with ten labels of a class. With two labels of a class, and with some
    directions of FAT (see `FastAdversarialTraining`), it can do harm: compare on validation data.

    Formula, over the batches B_1 ... B_steps:

        moving_mean     = 1/steps sum_i mean(B_i)
        moving_variance = 1/steps sum_i var(B_i)

    Args:
        x: Inputs of the classifier, `(rows, ...)`, or a structure of them: full batches are drawn
            from them, in a new order each pass. Or a dataset of batches (of `x` or of `(x, y)`),
            begun anew when it ends. Of semi-supervised elements, the unlabelled rows are taken.
        steps: Number of batches. Defaults to `100`, as in the code of the VAT paper.
        batch_size: Rows per batch when `x` is not a dataset, at most the rows there are. Defaults
            to `128`.
        seed: Seed of the order of the rows. Defaults to `0`.

    Raises:
        TypeError: If a number is not an integer, or `x` can't be read.
        ValueError: If a number is out of range, `x` is empty, the classifier has no layer that
            keeps moving averages, or a batch statistic is not finite.

    Example:

    ```python
    classifier = keras.Sequential([keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    classifier.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.random.normal(size=(64, 3)), np.random.randint(2, size=64)
    reestimation = keras_vat.callbacks.BatchNormReestimation(x, steps=2, batch_size=32)
    classifier.fit(x, y, callbacks=[reestimation])
    classifier.layers[0].moving_mean  # = x.mean(axis=0)
    ```

    Reference: Ioffe and Szegedy, "Batch Normalization" (arXiv:1502.03167), algorithm 2; without its
    factor m / (m - 1), as in Keras's own moving averages.
    """

    def __init__(self, x: Any, steps: int = 100, batch_size: int = 128, seed: int = 0):
        super().__init__()
        self.x = x.unlabeled if isinstance(x, SemiSupervisedInputs) else x
        self.steps = arguments.whole_number("steps", steps, 1)
        self.batch_size = arguments.whole_number("batch_size", batch_size, 1)
        self.seed = arguments.whole_number("seed", seed, 0)
        check_inputs(self.x)

    def on_train_begin(self, logs=None):
        if classifier_of(self.model).built:
            self._check_layers()

    def on_train_end(self, logs=None):
        self._check_layers()
        averages = MeasuredAverages(self.model)
        stream = endless_batches(self.x, passes(self.batch_size, self.seed))
        for _, (batch, _) in zip(range(self.steps), stream, strict=False):
            averages.add(batch)
        if averages.broken:
            raise ValueError(
                "Batch statistics must be finite; the moving averages were left as they were. "
                f"Received: a non-finite {averages.broken[0]}. Look for NaN in `x` and in the "
                "classifier's weights."
            )
        averages.assign()

    def _check_layers(self):
        if not layers_with_averages(self.model):
            raise ValueError(
                "`BatchNormReestimation` needs a classifier with layers that keep a `moving_mean` "
                "and a `moving_variance`: Keras's BatchNormalization without `renorm`. "
                f"Received: model={self.model.name!r}, which has none: leave this callback out."
            )
