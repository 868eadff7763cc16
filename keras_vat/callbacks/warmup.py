"""The base of all warm-ups: one number of one regularizer, moved while `fit` runs."""

import math
from typing import Any

import keras

from keras_vat import arguments
from keras_vat.autodiff import sync_variables


class _DefaultEpochs(int):
    """An `int` that can be told from the same number given by the caller."""


DEFAULT_EPOCHS = _DefaultEpochs(10)

# Progress t in [0, 1] -> share of the way from `start` to `end`.
_SHAPES = {
    "linear": lambda t: t,
    "sigmoid": lambda t: math.exp(-5.0 * (1.0 - t) ** 2),
    "cosine": lambda t: (1.0 - math.cos(math.pi * t)) / 2.0,
}


class Warmup(keras.callbacks.Callback):
    """Moves a number of a regularizer from one value to another while `fit` runs.

    The base of `AlphaWarmup`, `LambdaWarmup` and `EpsilonWarmup`, which name the number; a warm-up
    of another number is a subclass that sets `attribute`. The value belongs to the epoch (or
    to the optimizer's count of updates), not to the calls seen, so a resumed run goes on where
    the first one stopped. The number is a variable: a compiled `fit` follows it at once.

    Formula:

        t     = min(epoch / epochs, 1)               (epoch counts from 0; or update / steps)
        value = start + (end - start) * shape(t)

        linear   t
        sigmoid  exp(-5 (1 - t)^2)                   (Laine & Aila: exp(-5) at t = 0)
        cosine   (1 - cos(pi t)) / 2

    Args:
        start: Value at the first epoch, at least 0. Defaults to `0.0`.
        end: Value from epoch `epochs` on, at least 0. Defaults to `1.0`.
        epochs: Epochs from `start` to `end`; the number moves at each epoch's begin. Defaults to
            `10`.
        regularizer: Name of the regularizer, or the object. `None` (default) means the only one
            of the model that has such a number.
        shape: `"linear"` (default), `"sigmoid"`, `"cosine"`, or a
            `keras.optimizers.schedules.LearningRateSchedule`, whose value at the epoch (with
            `steps`: at the update) is taken as it is; `start`, `end` and the length then do not
            matter.
        steps: Updates of the optimizer from `start` to `end`, in place of `epochs`; the number
            moves before every batch (once per call with `steps_per_execution`). Defaults to
            `None`.

    Raises:
        TypeError: If `start`, `end`, `epochs` or `steps` is not a number of the right kind.
        ValueError: If a number is out of range, `shape` is unknown, both `epochs` and `steps` are
            given, or, when training begins, the regularizer can't be told.
    """

    attribute = None

    cure = None
    """What to do where no regularizer of the model has the number."""

    def __init__(
        self,
        start: float = 0.0,
        end: float = 1.0,
        epochs: int = DEFAULT_EPOCHS,
        regularizer: Any = None,
        shape: Any = "linear",
        steps: int | None = None,
    ):
        super().__init__()
        if self.attribute is None:
            raise TypeError(
                f"`{type(self).__name__}` does not say which number it moves: use `AlphaWarmup`, "
                "`LambdaWarmup` or `EpsilonWarmup`, or set `attribute` in a subclass."
            )
        if steps is not None and epochs is not DEFAULT_EPOCHS:
            raise ValueError(
                "Only one of `epochs` and `steps` can say how long the warm-up takes. "
                f"Received: epochs={epochs}, steps={steps}. Drop one of them."
            )
        self._is_schedule = isinstance(shape, keras.optimizers.schedules.LearningRateSchedule)
        if not self._is_schedule and shape not in list(_SHAPES):
            raise ValueError(
                f"`shape` must be one of {', '.join(map(repr, _SHAPES))} or a "
                f"`keras.optimizers.schedules.LearningRateSchedule`. Received: shape={shape!r}"
            )
        self.start = arguments.non_negative("start", start)
        self.end = arguments.non_negative("end", end)
        self.epochs = arguments.whole_number("epochs", epochs, 1) if steps is None else None
        self.steps = None if steps is None else arguments.whole_number("steps", steps, 1)
        self.regularizer = regularizer
        self.shape = shape

    def value_at(self, count):
        """Returns the value at an epoch or, with `steps`, at an update of the optimizer."""
        if self._is_schedule:
            return self.shape(count)
        t = min(float(count) / (self.epochs or self.steps), 1.0)
        return self.start + (self.end - self.start) * _SHAPES[self.shape](t)

    def on_train_begin(self, logs=None):
        self._chosen = self._find()
        self._variable = getattr(self._chosen, self.attribute)
        self._done = False

    def on_epoch_begin(self, epoch, logs=None):
        if self.steps is None:
            self._variable.assign(self.value_at(epoch))

    def on_train_batch_begin(self, batch, logs=None):
        if self.steps is None or self._done:
            return
        sync_variables(self.model)
        # A copy: under a distribution strategy the variable itself can't become a number.
        iterations = keras.ops.copy(self.model.optimizer.iterations)
        self._variable.assign(self.value_at(iterations))
        # Reading the counter waits for the device, so it ends with the warm-up.
        self._done = not self._is_schedule and int(iterations) >= self.steps

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs[f"{self._chosen.name}_{self.attribute}"] = float(keras.ops.copy(self._variable))

    def _find(self):
        """Returns the regularizer that is meant, or says which ones could be."""
        regularizers = getattr(self.model, "regularizers", None)
        if regularizers is None:
            raise ValueError(
                f"`{type(self).__name__}` needs a model with `regularizers`, such as a "
                f"`keras_vat.VATModel`. Received: model={self.model}"
            )
        movable = [r for r in regularizers if _has_variable(r, self.attribute)]
        wanted = self.regularizer
        if wanted is None:
            found = movable
        elif isinstance(wanted, str):
            found = [r for r in movable if r.name == wanted]
        else:
            found = [r for r in movable if r is wanted]
        if len(found) == 1:
            return found[0]
        if not movable:
            cure = f"; {self.cure}" if self.cure else ""
            raise ValueError(
                f"`regularizers` must hold one that has a {self.attribute}{cure}. "
                f"Received: regularizers={[r.name for r in regularizers]}"
            )
        received = getattr(wanted, "name", wanted)
        raise ValueError(
            f"`regularizer` must name one regularizer of the model whose `{self.attribute}` can be "
            f"moved; here these are {[r.name for r in movable]}, of "
            f"{[r.name for r in regularizers]}. Received: regularizer={received!r}"
        )


def _has_variable(regularizer, attribute):
    return isinstance(getattr(regularizer, attribute, None), keras.Variable)
