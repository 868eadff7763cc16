"""Finds out what a classifier's output means: its distribution and its logits."""

import warnings
from typing import NamedTuple

import keras
from keras import ops

from keras_vat import autodiff
from keras_vat.divergences import DISTRIBUTIONS
from keras_vat.keras_internals import mask_of

OUTPUT_KINDS = ("auto", *DISTRIBUTIONS)

_TINY = 1e-37  # the smallest power of ten that is a normal float32

# As functions they have no `from_logits`: called by a model, they take its default, False.
_OF_PROBABILITIES = [
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.categorical_crossentropy,
    keras.losses.categorical_focal_crossentropy,
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
]


class Reading(NamedTuple):
    """What one run of the classifier returned, and what that means.

    Attributes:
        outputs: What the classifier returned.
        logits: The logits behind it, the classes in the last axis, at least float32.
        distribution: The `OutputDistribution` of the output.
        has_exact_logits: Whether the logits are the classifier's own, and not only known up to a
            constant for each example, as those of probabilities are.
        returned_logits: Whether the outputs are logits themselves.
        class_axis: The axis of the outputs that the classes are in, from the end.
        mask: Which positions of the output count, booleans `(batch, positions)`; `None`: all.
    """

    outputs: object
    logits: object
    distribution: object
    has_exact_logits: bool
    returned_logits: bool
    class_axis: int
    mask: object

    def like_outputs(self, values):
        """A tensor shaped like the logits in the shape of the outputs."""
        return ops.moveaxis(values, -1, self.class_axis) if self.class_axis != -1 else values


class OutputMeaning:
    """Reads logits and their distribution off what a run of the classifier shows.

    Evidence, in this order: what the user said; the input of the softmax or sigmoid that returned
    the outputs; whether they are affine in hidden numbers; the compiled loss; and, outside a
    compiled step, the numbers themselves. For regression the output is the mean, whatever
    activation it has.

    Args:
        output: `"categorical"`, `"bernoulli"`, `"gaussian"` or `"auto"`.
        from_logits: `True`, `False` or `None` (find out).
        loss: The compiled loss (name, function or object), or `None`.
    """

    def __init__(self, output="auto", from_logits=None, loss=None):
        self._from_logits = from_logits
        self._loss = loss
        loss_kind, self._loss_from_logits = read_loss(loss)
        if self._loss_from_logits is None and takes_probabilities(loss):
            self._loss_from_logits = False
        self._stated_kind = loss_kind if output == "auto" else output

    def read(self, outputs, run):
        """The `Reading` of one run.

        Args:
            outputs: What the classifier returned.
            run: The `ObservedRun`.
        """
        behind = run.behind(outputs)
        if self._from_logits is None:
            self._warn_of_loss(behind is None and run.ends_linear(outputs), outputs)
        elif behind is not None:
            self._warn_of_contradiction(behind[0])
        kind = self._find_kind(outputs, behind)
        source = self._source(outputs, behind, run)
        axis = self._class_axis(outputs, source, kind)
        logits = at_least_float32(outputs if source is None else source[1])
        if axis != -1:
            logits = ops.moveaxis(logits, axis, -1)
        if source is None:
            logits = logits_of_probabilities(logits, kind)
        return Reading(
            outputs,
            logits,
            DISTRIBUTIONS[kind],
            has_exact_logits=source is not None,
            returned_logits=source is not None and source[1] is outputs,
            class_axis=axis,
            mask=mask_of(outputs),
        )

    def _source(self, outputs, behind, run):
        """`(name, logits, axis)`, or `None` where the outputs are probabilities of unknown origin.

        The name is that of an activation, or `None` of outputs that are logits.
        """
        as_they_are = (None, outputs, None)
        if self._from_logits or self._stated_kind == "gaussian":
            return as_they_are
        if behind is not None:
            return behind
        if self._from_logits is not None:
            return None
        if run.ends_linear(outputs) or self._loss_from_logits:
            return as_they_are
        if self._loss_from_logits is not None:
            return None
        if not autodiff.is_symbolic(outputs) and not _look_like_probabilities(outputs):
            return as_they_are
        raise ValueError(
            "Can't find out whether the classifier returns logits or probabilities. End it in a "
            "Keras layer: a linear one, or one with activation 'softmax' or 'sigmoid', or "
            "keras.layers.Softmax. Or compile with a Keras cross-entropy, whose `from_logits` "
            "tells. "
            "Or say it: VATModel(classifier, from_logits=True) of logits, "
            "VATModel(classifier, from_logits=False) of probabilities, which determine logits up "
            "to a constant only (`FastAdversarialTraining` needs them whole); or, of a regression, "
            "VATModel(classifier, output='gaussian'). "
            "Received: from_logits=None"
        )

    def _class_axis(self, outputs, source, kind):
        """The axis of the classes, counted from the end."""
        if kind != "categorical":
            return -1
        name, _, axis = source or (None, None, None)
        if name != "softmax":
            axis = getattr(only_loss(self._loss), "axis", -1)
        if not isinstance(axis, int):
            raise ValueError(
                "The classifier's softmax must be over one axis, that of the classes. "
                f"Received: axis={axis}"
            )
        return axis if axis < 0 else axis - len(outputs.shape)

    def _find_kind(self, outputs, behind):
        if self._stated_kind is not None:
            return self._stated_kind
        if behind is not None:
            return "categorical" if behind[0] == "softmax" else "bernoulli"
        if len(outputs.shape) > 1 and outputs.shape[-1] > 1:
            return "categorical"
        raise ValueError(
            "Can't find out what the classifier's output means. Compile it with a Keras loss that "
            "tells: a cross-entropy, a squared or an absolute error. Or say it: "
            "VATModel(classifier, output=...) with 'categorical' (softmax), 'bernoulli' "
            "(independent sigmoids) or 'gaussian' (regression). "
            f"Received: output='auto', output shape {tuple(outputs.shape)}"
        )

    def _warn_of_contradiction(self, activation):
        if self._from_logits:
            warnings.warn(
                f"`from_logits=True` contradicts the classifier, which ends in '{activation}'; "
                "leave it out to have the logits found.",
                stacklevel=2,
            )

    def _warn_of_loss(self, is_linear, outputs):
        if is_linear and takes_probabilities(self._loss):
            warnings.warn(
                "`loss` takes probabilities, and the classifier returns logits, which it is "
                "trained badly by: give the loss from_logits=True, as "
                "keras.losses.SparseCategoricalCrossentropy(from_logits=True), or end the "
                f"classifier in a softmax or sigmoid. Received: loss={self._loss!r}",
                stacklevel=2,
            )


def at_least_float32(tensor):
    """Half precision to float32; float32 and float64 as they are."""
    half = keras.backend.standardize_dtype(tensor.dtype) in ("float16", "bfloat16")
    return ops.cast(tensor, "float32") if half else tensor


def logits_of_probabilities(probabilities, kind):
    """Logits of which these are the probabilities; those of a softmax up to a constant."""
    logits = ops.log(ops.maximum(probabilities, _TINY))
    if kind == "bernoulli":
        logits = logits - ops.log(ops.maximum(1.0 - probabilities, _TINY))
    return logits


def takes_probabilities(loss):
    """Whether a compiled loss is a cross-entropy of probabilities."""
    loss = only_loss(loss)
    return loss in _OF_PROBABILITIES or getattr(loss, "from_logits", None) is False


def only_loss(loss):
    """The loss that a name stands for, or a list or dictionary of one."""
    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, (list, tuple)) and len(loss) == 1:
        loss = loss[0]
    return keras.losses.get(loss) if isinstance(loss, str) else loss


def read_loss(loss):
    """The output kind that a Keras loss implies, and its `from_logits`; `None` where unknown."""
    loss = only_loss(loss)
    if loss is None or isinstance(loss, (list, tuple, dict)):
        return None, None
    name = name_of_loss(loss)
    kinds = {
        "categorical": ("categoricalcrossentropy", "categoricalfocal", "kldivergence"),
        "bernoulli": ("binarycrossentropy", "binaryfocal"),
        "gaussian": ("meansquared", "meanabsolute", "huber", "logcosh"),
    }
    for kind, fragments in kinds.items():
        if any(fragment in name for fragment in fragments):
            return kind, getattr(loss, "from_logits", None)
    return None, getattr(loss, "from_logits", None)


def name_of_loss(loss):
    """The name of a loss (a name, function or object) in small letters, without underscores."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return name.lower().replace("_", "")


def _look_like_probabilities(outputs):
    values = keras.ops.convert_to_numpy(outputs).astype("float64")
    if values.ndim < 2 or values.shape[-1] == 1:
        return bool((values >= 0).all() and (values <= 1).all())
    return bool((values >= 0).all() and (abs(values.sum(-1) - 1) < 1e-2).all())
