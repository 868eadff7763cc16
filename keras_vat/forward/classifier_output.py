"""Finds out what a classifier's output means: its distribution and its logits."""

import warnings

import keras
from keras import ops

from keras_vat import autodiff
from keras_vat.divergences import DISTRIBUTIONS
from keras_vat.forward.recorded_logits import recorded_logits
from keras_vat.keras_internals import logits_behind, operation_of

OUTPUT_KINDS = ("auto", *DISTRIBUTIONS)

_TINY = 1e-37  # the smallest power of ten that is a normal float32

_LINEAR_LAYERS = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.BatchNormalization,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.Add,
)

# As functions they have no `from_logits`: called by a model, they take its default, False.
_OF_PROBABILITIES = [
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.categorical_crossentropy,
    keras.losses.categorical_focal_crossentropy,
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
]


class ClassifierOutput:
    """Reads logits and their distribution off a classifier's output tensor.

    Evidence, in this order: what the user said; the logits that Keras's softmax and sigmoid leave
    on their result; the last layer of a functional or Sequential model; the compiled loss; and,
    outside a compiled step, the numbers themselves. For regression the output is the mean, whatever
    activation it has.

    Args:
        classifier: The Keras model or layer.
        output: `"categorical"`, `"bernoulli"`, `"gaussian"` or `"auto"`.
        from_logits: `True`, `False` or `None` (find out).
        loss: The compiled loss (name, function or object), or `None`.
    """

    def __init__(self, classifier, output="auto", from_logits=None, loss=None):
        self._classifier = classifier
        self._from_logits = from_logits
        self._ending = last_operation(classifier)
        self._activation = name_of_activation(self._ending)
        self._recorded = (None, None)
        contradiction = {True: ("softmax", "sigmoid"), False: ("linear",)}.get(from_logits, ())
        if self._activation in contradiction:
            warnings.warn(
                f"`from_logits={from_logits}` contradicts the classifier, which ends in "
                f"'{self._activation}'; leave it out to have the logits found.",
                stacklevel=2,
            )
        stated = from_logits and self._activation not in ("softmax", "sigmoid")
        found = from_logits is None and self._activation == "linear"
        if (stated or found) and takes_probabilities(loss):
            warnings.warn(
                "`loss` takes probabilities, and the classifier returns logits, which it is "
                "trained badly by: give the loss from_logits=True, as "
                "keras.losses.SparseCategoricalCrossentropy(from_logits=True), or end the "
                f"classifier in a softmax or sigmoid. Received: loss={loss!r}",
                stacklevel=2,
            )
        loss_kind, self._loss_from_logits = read_loss(loss)
        self._stated_kind = loss_kind if output == "auto" else output

    def call(self, x, training):
        """The classifier's outputs for a batch; the logits behind them can then be found."""
        if self._activation not in ("softmax", "sigmoid") or autodiff.CARRIES_ATTRIBUTES:
            return self._classifier(x, training=training)
        with recorded_logits(self._ending) as recorded:
            outputs = self._classifier(x, training=training)
        self._recorded = (outputs, recorded[0])
        return outputs

    def logits(self, outputs):
        """The logits behind one batch of outputs, shape of the outputs, at least float32."""
        check_single_tensor(outputs)
        logits = self._trace_logits(outputs)
        if logits is not None:
            return at_least_float32(logits)
        probabilities = at_least_float32(outputs)
        logits = ops.log(ops.maximum(probabilities, _TINY))
        if self._find_kind(outputs) == "bernoulli":
            logits = logits - ops.log(ops.maximum(1.0 - probabilities, _TINY))
        return logits

    def has_exact_logits(self, outputs):
        """Whether `logits` are the classifier's own, and not only known up to a constant.

        Probabilities determine the logits of a softmax up to a constant for each example.
        """
        return self._trace_logits(outputs) is not None

    def are_logits(self, outputs):
        """Whether the outputs are logits as they are."""
        return self._trace_logits(outputs) is outputs

    def distribution(self, outputs):
        """The `OutputDistribution` of the output."""
        return DISTRIBUTIONS[self._find_kind(outputs)]

    def _trace_logits(self, outputs):
        if self._from_logits or self._stated_kind == "gaussian":
            return outputs
        if self._behind(outputs) is not None:
            return self._behind(outputs)
        if self._from_logits is not None:
            return None
        if (
            self._activation == "linear"
            or self._loss_from_logits
            or (not autodiff.is_symbolic(outputs) and not _look_like_probabilities(outputs))
        ):
            return outputs
        raise ValueError(
            "Can't find out whether the classifier returns logits or probabilities. End it in a "
            "Keras layer: a linear one, or one with activation 'softmax' or 'sigmoid', or "
            "keras.layers.Softmax. Or, of logits, compile with a loss whose `from_logits` is True. "
            "Or say it: VATModel(classifier, from_logits=True) of logits, "
            "VATModel(classifier, from_logits=False) of probabilities, which determine logits up "
            "to a constant only (`FastAdversarialTraining` needs them whole); or, of a regression, "
            "VATModel(classifier, output='gaussian'). "
            "Received: from_logits=None"
        )

    def _behind(self, outputs):
        """The logits that a softmax or sigmoid was given, if it left them."""
        before, logits = self._recorded
        return logits if before is outputs else logits_behind(outputs)

    def _find_kind(self, outputs):
        if self._stated_kind is not None:
            return self._stated_kind
        if self._activation in ("softmax", "sigmoid"):
            return "categorical" if self._activation == "softmax" else "bernoulli"
        several = len(outputs.shape) > 1 and outputs.shape[-1] > 1
        if several and self._behind(outputs) is None:
            return "categorical"
        if self._behind(outputs) is not None and not autodiff.is_symbolic(outputs):
            softmax = several and _look_like_probabilities(outputs)
            return "categorical" if softmax else "bernoulli"
        raise ValueError(
            "Can't find out what the classifier's output means. Compile it with a Keras loss that "
            "tells: a cross-entropy, a squared or an absolute error. Or say it: "
            "VATModel(classifier, output=...) with 'categorical' (softmax), 'bernoulli' "
            "(independent sigmoids) or 'gaussian' (regression). "
            f"Received: output='auto', output shape {tuple(outputs.shape)}"
        )


def check_single_tensor(outputs):
    """Raises where the classifier has more than one output."""
    if isinstance(outputs, (dict, list, tuple)):
        raise ValueError(
            "`classifier` must return one tensor. Received a structure: "
            f"{type(outputs).__name__} of {len(outputs)}. Wrap the output that the labels belong "
            "to: keras.Model(classifier.inputs, classifier.outputs[0])"
        )


def at_least_float32(tensor):
    """Half precision to float32; float32 and float64 as they are."""
    half = keras.backend.standardize_dtype(tensor.dtype) in ("float16", "bfloat16")
    return ops.cast(tensor, "float32") if half else tensor


def last_operation(classifier):
    """The operation a functional or Sequential model ends in; `None` where it can't be seen."""
    operation = classifier
    while isinstance(operation, keras.Model):
        if isinstance(operation, keras.Sequential) and operation.layers:
            operation = operation.layers[-1]
        elif len(getattr(operation, "outputs", None) or ()) == 1:
            operation = operation_of(operation.outputs[0])
        else:
            return None
    return operation


def name_of_activation(operation):
    """`"softmax"`, `"sigmoid"`, `"linear"`, or `None` where it can't be seen."""
    if isinstance(operation, keras.layers.Softmax):
        return "softmax"
    activation = getattr(operation, "activation", None)
    if activation is None:
        return "linear" if isinstance(operation, _LINEAR_LAYERS) else None
    name = getattr(activation, "__name__", None)
    return name if name in ("softmax", "sigmoid", "linear") else None


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
