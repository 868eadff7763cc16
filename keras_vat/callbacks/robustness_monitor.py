from typing import Any

import keras

from keras_vat import arguments
from keras_vat.evaluation import robustness_curve
from keras_vat.evaluation.batches import check_inputs, yields_batches
from keras_vat.evaluation.robustness_curve import NO_LABELS


class RobustnessMonitor(keras.callbacks.Callback):
    """Logs the accuracy on perturbed validation inputs, every few epochs.

    Accuracy says nothing of what happens a small step aside. This is the share of rows whose class
    is right after they were perturbed against the classifier of the moment; rows that are wrong
    without perturbation count as wrong. A virtual adversarial measurement starts from the same
    random directions each time, so that a change of the curve is a change of the classifier. It
    costs about four passes over `x`; a few hundred rows are enough. As with Keras's
    `validation_freq`, epochs without a measurement have no entry in the logs. A callback that
    watches the number, as `EarlyStopping(monitor="robust_accuracy", mode="max")`, stands after it
    in the list.

    Formula:

        robust_accuracy = mean over (x, y) of [prediction at x + r(x) is y],  ||r(x)|| = epsilon

    Args:
        x: Inputs of the classifier, `(rows, ...)`, or a structure of them; or a dataset of batches
            `(x, y)`.
        y: Labels of arrays: class numbers or one-hot rows.
        epsilon: Size of the perturbation, positive.
        perturbation: As in `robustness_curve`: `"adversarial"` (default; of the labels),
            `"virtual"`, or a callable `epsilon -> Perturbation` (give it a seed).
        every: Epochs from one measurement to the next. Defaults to `1`.
        batch_size: Rows per pass. Defaults to `256`.
        seed: Seed of the first directions. Defaults to `0`.
        name: Name under which the number is logged. Defaults to `"robust_accuracy"`.

    Raises:
        TypeError: If an argument is not of the right kind.
        ValueError: If a number is out of range, `perturbation` is unknown, or there is not one
            label for each row.

    Example:

    ```python
    inputs = keras.Input((2,))
    classifier = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    classifier.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.random.normal(size=(32, 2)).astype("float32"), np.random.randint(2, size=32)
    monitor = keras_vat.callbacks.RobustnessMonitor(x, y, epsilon=0.5)
    history = classifier.fit(x, y, epochs=2, callbacks=[monitor])
    history.history["robust_accuracy"]  # one number per epoch
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), section 4.4.2.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        epsilon: float | None = None,
        perturbation: Any = "adversarial",
        every: int = 1,
        batch_size: int = 256,
        seed: int | None = 0,
        name: str = "robust_accuracy",
    ):
        super().__init__()
        check_inputs(x, y)
        if y is None and not yields_batches(x):
            raise ValueError(NO_LABELS)
        self.x, self.y = x, y
        self.epsilon = arguments.positive("epsilon", epsilon)
        if not callable(perturbation):
            arguments.one_of("perturbation", perturbation, ("virtual", "adversarial"))
        self.perturbation = perturbation
        self.every = arguments.whole_number("every", every, 1)
        self.batch_size = arguments.whole_number("batch_size", batch_size, 1)
        self.seed = arguments.seed(seed)
        self.name = arguments.string("name", name)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every or logs is None:
            return
        curve = robustness_curve(
            {self.name: self.model},  # a `VATModel` knows what its classifier's output means
            self.x,
            self.y,
            [self.epsilon],
            self.perturbation,
            num_examples=0,
            batch_size=self.batch_size,
            seed=self.seed,
        )
        logs[self.name] = 1.0 - float(curve.errors.item())
