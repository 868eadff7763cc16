"""Steps that are not finite: the device leaves them out, the host hears of them a step later."""

import numpy as np
from keras import ops

from keras_vat.as_in_keras import as_in_keras
from keras_vat.keras_internals import loss_tracker
from keras_vat.keras_model import KerasModel

_FLAG = "all steps are finite"
# Of the total, only the gradient can be what is left, when all its parts are finite.
_MEANINGS = {"supervised_loss": "supervised loss", "loss": "gradient of the loss"}


class FiniteSteps:
    """Mix-in of `VATModel`: raises `FloatingPointError` for a step that is not finite.

    A step's flag is read when the next one is asked for: reading it at once would leave the device
    idle. What runs until then must not move on either, which the logs tell: their means stay NaN.
    Where such steps are skipped, the host does not look at all.
    """

    _last_step = None

    def _finite_before(self):
        """Whether all steps were finite since the metrics began; in a step."""
        if self._skipped_tracker is not None:
            return True
        trackers = (loss_tracker(self), self._supervised_tracker, *self._penalty_trackers)
        totals = [ops.cast(tracker.total, "float32") for tracker in trackers]
        return ops.all(ops.isfinite(ops.stack(totals)))

    def _flag(self, finite):
        """An entry for the logs of a step, for `_take_flag`."""
        return {} if self._skipped_tracker is not None else {_FLAG: ops.cast(finite, "float32")}

    def _take_flag(self, logs):
        """Takes the flag out of a step's logs, to be looked at later."""
        if _FLAG in logs:
            self._last_step = _Step(logs.pop(_FLAG), logs)

    def _check_last_step(self):
        step, self._last_step = self._last_step, None
        if step is not None and not np.all(np.asarray(step.flag)):
            step.complain((*self._penalty_names, *_MEANINGS))

    @as_in_keras(KerasModel.fit)
    def fit(self, **kwargs):
        self._last_step = None
        history = super().fit(**kwargs)
        self._check_last_step()
        return history

    @as_in_keras(KerasModel.train_on_batch)
    def train_on_batch(self, **kwargs):
        self._last_step = None
        logs = super().train_on_batch(**kwargs)
        self._check_last_step()
        return logs


class _Step:
    """The flag and the logs of a step, as the device holds them."""

    def __init__(self, flag, logs):
        self.flag, self._logs = flag, logs

    def complain(self, names):
        """Raises for the first of these means that is not finite."""
        means = {name: float(np.max(self._logs[name])) for name in names if name in self._logs}
        broken = [name for name, value in means.items() if not np.isfinite(value)]
        name = broken[0] if broken else "loss"
        what = _MEANINGS.get(name, f"penalty of regularizer '{name}'")
        raise FloatingPointError(
            f"The {what} is not finite; the weights were left as they were before that step. "
            "Usual causes: inputs or logits that are not finite, labels that are no classes, a "
            "learning rate that diverges, float16 overflow. To skip such steps and count them, "
            f"set `nonfinite_penalty='skip'`. Received: {name}={means.get(name, np.nan)}"
        )
