from typing import Any

import keras
import numpy as np

from keras_vat import arguments
from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.evaluation.batches import check_inputs, endless_batches, passes
from keras_vat.forward.batch_statistics import normalization_layers
from keras_vat.forward.compiled_run import CompiledRun
from keras_vat.forward.has_forward import HasForward


class BatchNormReestimation(keras.callbacks.Callback):
    """Replaces the moving averages of normalisation layers by plain averages when training ends.

    Moving averages trail behind the weights and, by `VATModel`'s policy `"batch"`, are fed by the
    labelled batches alone. Made for that policy, the papers'; by `"auto"`, the default, they come
    out of `fit` about as good. When `fit` ends, this passes `steps` batches of `x` through the
    classifier as in training and gives every normalisation layer the mean of the batch statistics.
    Nothing else changes: weights, dropout seeds and other state are as they were. Validation inside
    `fit` still sees the old averages; `evaluate` afterwards sees the new ones. After
    `EarlyStopping(restore_best_weights=True)`, list this callback behind it.

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
        if _classifier_of(self.model).built:
            self._find_layers()

    def on_train_end(self, logs=None):
        self._average(self._find_layers())

    def _find_layers(self):
        layers = _layers_with_averages(_classifier_of(self.model))
        if layers:
            return layers
        raise ValueError(
            "`BatchNormReestimation` needs a classifier with layers that keep a `moving_mean` "
            f"and a `moving_variance`. Received: model={self.model.name!r}, which has none: leave "
            "this callback out."
        )

    def _average(self, layers):
        statistics = _statistics(layers)
        # What is not asked for (dropout seeds) goes on to the next batch, so that each has its own
        # masks, and is forgotten in the end.
        run = CompiledRun(_batch_statistics, self.model)
        stream = endless_batches(self.x, passes(self.batch_size, self.seed))
        sums = {}
        for _, (batch, _) in zip(range(self.steps), stream, strict=False):
            for place, value in run(batch).items():
                value = keras.ops.convert_to_numpy(value).astype("float64")
                sums[place] = sums.get(place, 0.0) + value
        # A frozen layer (`trainable=False`) sees no update and keeps its averages.
        for place, total in sums.items():
            if not np.all(np.isfinite(total)):
                raise ValueError(
                    "Batch statistics must be finite; the moving averages were left as they "
                    f"were. Received: a non-finite {statistics[place].path}. Look for NaN in `x` "
                    "and in the classifier's weights."
                )
        for place, total in sums.items():
            statistics[place].assign(total / self.steps)


def _classifier_of(model):
    return model.classifier if isinstance(model, HasForward) else model


def _layers_with_averages(classifier):
    return [
        layer
        for layer in normalization_layers(classifier)
        if layer.moving_mean is not None and hasattr(layer, "momentum")
    ]


def _statistics(layers):
    return [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]


def _batch_statistics(model, x):
    """The statistics of a batch, by their place among those of all layers.

    The mean over its calls, where a layer is shared.
    """
    classifier = _classifier_of(model)
    layers = _layers_with_averages(classifier)
    statistics = _statistics(layers)
    # What a pass makes of an average that is 0 is 1 - momentum times the batch statistic.
    shares = [1.0 - layer.momentum for layer in layers for _ in range(2)]
    with _UpdateRecorder(statistics) as scope:
        classifier(x, training=True)
    found = {}
    for place, (variable, share) in enumerate(zip(statistics, shares, strict=True)):
        values = [value for updated, value in scope.updates if updated is variable]
        if values:
            found[place] = sum(values) / (share * len(values))
    return found


class _UpdateRecorder(InnerScope):
    """A scope that keeps every update of averages, which are 0 for each of them.

    A shared layer makes several. All other updates go on to the scope around it.
    """

    def __init__(self, averages):
        zeros = [(v, keras.ops.zeros(v.shape, v.dtype)) for v in averages]
        super().__init__(zeros, passes_updates=True)
        self._averages = {id(variable) for variable in averages}
        self.updates = []

    def add_update(self, update):
        if id(update[0]) in self._averages:
            self.updates.append(update)
        else:
            super().add_update(update)
