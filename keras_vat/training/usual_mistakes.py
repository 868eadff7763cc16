"""What goes wrong most often without an error: each is warned about once, with the cure."""

import math
import warnings

import keras
import numpy as np
from keras import ops

from keras_vat.callbacks.batch_norm_reestimation import BatchNormReestimation
from keras_vat.forward.batch_statistics import normalization_layers
from keras_vat.forward.labels import only_one
from keras_vat.forward.perturbable import is_floating, is_sparse
from keras_vat.training.more_callbacks import with_last

_ZERO = 1e-7
_UNPREPARED = 0.01  # share that the start still has in a moving average
_SMALLEST, _LARGEST = "smallest input", "largest input"
_OWN_TRAINING = ("train_step", "test_step", "compute_loss")


class UsualMistakes(keras.callbacks.Callback):
    """Looks at the logs of a `VATModel`, and at its averages when training ends; the last callback.

    Args:
        regularizers: The model's.
        batch_statistics: The model's policy.
    """

    def __init__(self, regularizers, batch_statistics):
        super().__init__()
        self._names = [regularizer.name for regularizer in regularizers]
        self._batch_statistics = batch_statistics
        self._said, self._others = set(), ()
        self._in_pixels = [
            regularizer for regularizer in regularizers if regularizer.is_in_units_of_inputs
        ]
        self._clipped = [
            regularizer
            for regularizer in regularizers
            if getattr(getattr(regularizer, "perturbation", None), "clip", None)
            and not regularizer.places
        ]
        self._size, self._seen_inputs = None, False

    def beside(self, callbacks):
        """The callbacks of a `fit`, with this one at the end."""
        callbacks = with_last(callbacks, self)
        self._others = getattr(callbacks, "callbacks", callbacks)
        return callbacks

    def on_epoch_end(self, epoch, logs=None):
        for name in self._names:
            if not abs((logs or {}).get(name, 1.0)) < _ZERO:  # also of one that is not a number
                self._said.add(name)  # one that falls to zero later has done its work
                continue
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

    def extremes(self, x):
        """The smallest and the largest number of a batch of inputs, for `look_at_inputs`.

        Entries for the logs of a step, where they tell whether epsilon and clip are in the units of
        these inputs.
        """
        inputs = only_one(x)
        if not _is_dense_batch(inputs):
            return {}
        is_images = len(inputs.shape) > 2 and bool(self._in_pixels)
        self._size = math.prod(inputs.shape[1:]) if is_images else None
        if not (is_images or self._clipped):
            return {}
        return {_SMALLEST: ops.min(inputs), _LARGEST: ops.max(inputs)}

    def look_at_inputs(self, logs):
        """Takes `extremes` out of a step's logs; warns at the first step.

        Of images of 0 to 255, where a perturbation made for 0 to 1 is less than one of these
        levels; and of inputs outside of `clip`, which would be moved into it.
        """
        smallest, largest = logs.pop(_SMALLEST, None), logs.pop(_LARGEST, None)
        if largest is None or self._seen_inputs:
            return
        self._seen_inputs = True
        smallest, largest = float(np.min(smallest)), float(np.max(largest))
        self._look_at_ranges(smallest, largest)
        if self._size is not None and smallest >= 0 and 64 < largest <= 255:
            self._look_at_levels(largest)

    def _look_at_ranges(self, smallest, largest):
        for regularizer in self._clipped:
            low, high = regularizer.perturbation.clip
            rounding = 1e-3 * (high - low)
            if smallest < low - rounding or largest > high + rounding:
                self._say(
                    f"clip of {regularizer.name}",
                    f"`clip` of '{regularizer.name}' is not the range of the inputs, which go from "
                    f"{smallest:.3g} to {largest:.3g}: inputs outside of it are moved into it, by "
                    "more than epsilon. Give the range of the inputs as `fit` gets them. "
                    f"Received: clip=({low:g}, {high:g})",
                )

    def _look_at_levels(self, largest):
        for regularizer in self._in_pixels:
            is_largest_entry = regularizer.get_config().get("norm") == "linf"
            one_level = 1.0 if is_largest_entry else math.sqrt(self._size)
            epsilon = float(regularizer.epsilon)
            if epsilon < one_level:
                self._say(
                    "images",
                    f"`epsilon` of '{regularizer.name}' moves images of 0 to {largest:g} by "
                    f"{epsilon / one_level:.2g} levels of 255: made for images of 0 to 1? Divide "
                    "the images by 255, or name the Rescaling layer of the classifier "
                    f"(`perturb_at`), or multiply `epsilon` by 255. Received: epsilon={epsilon:g}",
                )

    def _say(self, key, message):
        if key not in self._said:
            self._said.add(key)
            warnings.warn(message, stacklevel=3)


def _is_dense_batch(x):
    """Whether x is one dense tensor of floating numbers, each row of a known shape."""
    shape = getattr(x, "shape", ())
    dense = ops.is_tensor(x) and not is_sparse(x)
    return dense and len(shape) > 1 and None not in tuple(shape)[1:] and is_floating(x.dtype)


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
