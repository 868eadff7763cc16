"""What goes wrong most often without an error: each is warned about once, with the cure."""

import warnings

import keras
import numpy as np

from keras_vat.callbacks.batch_norm_reestimation import BatchNormReestimation
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.forward.batch_statistics import normalization_layers
from keras_vat.forward.labels import only_one
from keras_vat.training.last_callback import with_last

_ZERO = 1e-7
_UNPREPARED = 0.01  # share that the start still has in a moving average
_OWN_TRAINING = ("train_step", "test_step", "compute_loss")


class UsualMistakes(keras.callbacks.Callback):
    """Looks at the logs of a `VATModel`, and at its averages when training ends; the last callback.

    Args:
        names: Names of the penalties in the logs.
        batch_statistics: The model's policy.
    """

    def __init__(self, names, batch_statistics):
        super().__init__()
        self._names, self._batch_statistics = names, batch_statistics
        self._said = set()
        self._others = ()

    def beside(self, callbacks):
        """The callbacks of a `fit`, with this one at the end."""
        callbacks = with_last(callbacks, self)
        self._others = getattr(callbacks, "callbacks", callbacks)
        return callbacks

    def on_epoch_end(self, epoch, logs=None):
        for name in self._names:
            if abs((logs or {}).get(name, 1.0)) < _ZERO:
                self._say(
                    name,
                    f"The penalty '{name}' was zero to rounding for a whole epoch: it trains "
                    "nothing. Usual causes: an `epsilon` far too small for the scale of the "
                    "inputs, a `mask` or `clip` that lets nothing move, outputs that do not depend "
                    f"on the inputs. Received: {name}={logs[name]:.3g}",
                )

    def on_train_end(self, logs=None):
        if self._batch_statistics != "batch" or self.model.optimizer is None:
            return
        updates = int(self.model.optimizer.iterations)
        momenta = [
            layer.momentum
            for layer in normalization_layers(self.model.classifier)
            if layer.trainable and hasattr(layer, "momentum")
        ]
        estimated = any(isinstance(other, BatchNormReestimation) for other in self._others)
        if momenta and max(momenta) ** updates > _UNPREPARED and not estimated:
            self._say(
                "batch",
                f"After {updates} updates the moving averages of batch normalisation still "
                f"remember their start (momentum {max(momenta)}): predictions are worse than the "
                'weights are. Leave `batch_statistics` at "auto", or add '
                "callbacks.BatchNormReestimation(x). Received: batch_statistics='batch'",
            )

    def look_at_images(self, x, regularizers):
        """Warns of images of 0 to 255 with perturbations of less than one of these levels.

        Args:
            x: Some rows, or `None`.
            regularizers: The model's.
        """
        x = x.labeled if isinstance(x, SemiSupervisedInputs) else x
        images = only_one(x)
        if not isinstance(images, np.ndarray) or images.ndim < 3 or not images.size:
            return
        if images.dtype.kind != "f" or images.min() < 0 or not 64 < images.max() <= 255:
            return
        size = np.prod(images.shape[1:])
        for regularizer in regularizers:
            config = regularizer.get_config() if hasattr(regularizer, "epsilon") else {}
            if not config or "generator" in config or regularizer.places or "scale" in config:
                continue
            one_level = 1.0 if config.get("norm") == "linf" else np.sqrt(size)
            epsilon = float(regularizer.epsilon)
            if epsilon < one_level:
                self._say(
                    "images",
                    f"`epsilon` of '{regularizer.name}' moves images of 0 to "
                    f"{images.max():g} by {epsilon / one_level:.2g} levels of 255: made for images "
                    "of 0 to 1? Divide the images by 255, or name the Rescaling layer of the "
                    "classifier (`perturb_at`), or multiply `epsilon` by 255. "
                    f"Received: epsilon={epsilon:g}",
                )

    def _say(self, key, message):
        if key not in self._said:
            self._said.add(key)
            warnings.warn(message, stacklevel=3)


def look_at_classifier(classifier):
    """Warns of a classifier with training of its own, which a `VATModel` does not run."""
    own = [
        name
        for name in _OWN_TRAINING
        if getattr(type(classifier), name) is not getattr(keras.Model, name)
    ]
    if own:
        names = " and ".join(f"`{name}`" for name in own)
        warnings.warn(
            f"A VATModel trains and evaluates by itself: it does not call {names} of the "
            "classifier. To keep them, leave the VATModel out and add the penalty in your own "
            "step: loss += regularizer.weight * regularizer.penalty(self, x, y, training=True). "
            f"Received: classifier of type {type(classifier).__name__}",
            stacklevel=3,
        )
