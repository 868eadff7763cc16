import os
from numbers import Real
from typing import Any

import keras
import numpy as np

from keras_vat import arguments
from keras_vat.callbacks.summaries import write_image, write_scalar
from keras_vat.evaluation import perturbation_statistics
from keras_vat.evaluation.batches import check_inputs, yields_batches
from keras_vat.perturbations import Perturbation, VirtualAdversarialPerturbation
from keras_vat.plotting.as_numbers import are_images
from keras_vat.plotting.perturbation_rows import perturbation_rows

_ROW = 10
_SMALLEST = 32
_NUMBERS = ("weight", "epsilon", "radius", "threshold", "bad_sample_weight")


class PerturbationSummary(keras.callbacks.Callback):
    """Writes the perturbations of the moment, as numbers and as images, for TensorBoard.

    Works alone or beside `keras.callbacks.TensorBoard` with the same `log_dir`: what it writes is
    a run of its own, `log_dir/perturbation`. Neither matplotlib nor the tensorboard package is
    needed to write it. Every epoch starts from the same random directions, so that a change is a
    change of the classifier.

    Written after each epoch:

    - `perturbation/consistency_cost`, `perturbation/distance`: means over `x` of
      KL(p(y | x) || p(y | x_adv)) and ||x - x_adv||_2;
    - `regularizers/<name>`: what a `VATModel`'s regularizer logged; `regularizers/<name>_weight`,
      `<name>_epsilon`, ...: the numbers that callbacks may move;
    - `perturbation/images`, where `x` holds images and these are perturbed: the first 10, their
      perturbations at full contrast, the perturbed images.

    Args:
        x: Inputs of the classifier, `(rows, ...)`, or a structure of them; a few hundred rows are
            enough. Or a dataset of batches, of `x` or `(x, y)`, and then without images.
        log_dir: Folder of TensorBoard's logs.
        perturbation: A `Perturbation` (give it a seed); or a number, the epsilon of a virtual
            adversarial one.
        y: Labels of arrays, for a perturbation that needs them. Defaults to `None`.
        every: Epochs from one writing to the next. Defaults to `1`.
        batch_size: Rows per pass. Defaults to `256`.

    Raises:
        TypeError: If `log_dir`, `perturbation` or `every` is of the wrong kind.
        ValueError: If a number is out of range, or there is not one label for each row, or none
            for a perturbation that needs them.

    Example:

    ```python
    vat = keras_vat.regularizers.VirtualAdversarialTraining(epsilon=1.0)
    model = keras_vat.VATModel(keras_vat.classifiers.mnist_mlp(), vat)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.random.uniform(size=(64, 28, 28, 1)), np.random.randint(10, size=64)
    summary = keras_vat.callbacks.PerturbationSummary(x, "logs", 1.0)
    model.fit(x, y, epochs=2, callbacks=[summary])  # then: tensorboard --logdir logs
    ```
    """

    def __init__(
        self,
        x: Any,
        log_dir: str | os.PathLike,
        perturbation: Any,
        y: Any = None,
        every: int = 1,
        batch_size: int = 256,
    ):
        super().__init__()
        check_inputs(x, y)
        self.x, self.y = x, y
        self.log_dir = os.path.join(arguments.path("log_dir", log_dir), "perturbation")
        if not isinstance(perturbation, Perturbation):
            if not isinstance(perturbation, Real):
                raise TypeError(
                    "`perturbation` must be a Perturbation of `keras_vat.perturbations`, or a "
                    "number, the epsilon of a virtual adversarial one. "
                    f"Received: perturbation={perturbation!r} "
                    f"(of type {type(perturbation).__name__})"
                )
            epsilon = arguments.positive("perturbation", perturbation)
            perturbation = VirtualAdversarialPerturbation(epsilon, seed=0)
        if not yields_batches(x):  # a dataset brings its labels along
            perturbation.check_labels(y)
        self.perturbation = perturbation
        self.every = arguments.whole_number("every", every, 1)
        self.batch_size = arguments.whole_number("batch_size", batch_size, 1)
        self._writer = None

    def on_train_begin(self, logs=None):
        import tensorflow as tf

        self._writer = tf.summary.create_file_writer(self.log_dir)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        numbers = {**self._measured(), **self._regularizers(logs or {})}
        images = self._images()
        with self._writer.as_default(step=epoch):
            for tag, value in numbers.items():
                write_scalar(tag, value)
            if images is not None:
                write_image("perturbation/images", images)
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()

    def _measured(self):
        statistics = perturbation_statistics(
            self.model, self.x, {"perturbation": self.perturbation}, self.y, self.batch_size
        )["perturbation"]
        return {
            "perturbation/consistency_cost": np.mean(statistics.consistency_cost),
            "perturbation/distance": np.mean(statistics.distance),
        }

    def _regularizers(self, logs):
        numbers = {}
        for regularizer in getattr(self.model, "regularizers", ()):
            tag = f"regularizers/{regularizer.name}"
            if regularizer.name in logs:
                numbers[tag] = logs[regularizer.name]
            for name in _NUMBERS:
                if hasattr(regularizer, name):
                    numbers[f"{tag}_{name}"] = float(getattr(regularizer, name))
        return numbers

    def _images(self):
        """The three rows as one picture of bytes, or `None` where there are no images."""
        shape = getattr(self.x, "shape", ())
        if not are_images(shape) or self.perturbation.places:
            return None
        x, y = self.x[:_ROW], None if self.y is None else self.y[:_ROW]
        with keras.StatelessScope():
            perturbed = self.perturbation.perturb(self.model, x, y)
        picture = perturbation_rows(x, perturbed)
        times = -(-_SMALLEST // shape[1])  # small images grow to a size that can be seen
        picture = picture.repeat(times, axis=0).repeat(times, axis=1)
        return np.round(255 * picture).astype("uint8")
