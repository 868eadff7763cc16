"""What is served: the classifier as a function from inputs to named outputs."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_vat.forward import Forward
from keras_vat.forward.output_meaning import at_least_float32
from keras_vat.vat_model import VATModel


class ServedClassifier:
    """Inputs to logits, probabilities and classes, at inference.

    Args:
        model: A `VATModel` or a built Keras classifier.
        class_names: Strings, a dictionary of them for several outputs, or `None`.
        preprocessing: Callable on the inputs, or `None`.
    """

    def __init__(self, model, class_names=None, preprocessing=None):
        if not isinstance(model, keras.Model):
            raise TypeError(
                "`model` must be a VATModel or another Keras model. "
                f"Received: model={model!r} (of type {type(model).__name__})"
            )
        if preprocessing is not None and not callable(preprocessing):
            raise TypeError(
                "`preprocessing` must be a Keras layer or another callable on a batch of inputs. "
                f"Received: preprocessing={preprocessing!r} "
                f"(of type {type(preprocessing).__name__})"
            )
        self.model = model.classifier if isinstance(model, VATModel) else model
        if not self.model.built:
            raise ValueError(
                "`model` must be built: train it, call it on a batch or give it a `keras.Input`. "
                f"Received: model={self.model.name}, not built"
            )
        self._forward = Forward.of(model)
        self._preprocessing = preprocessing
        self._names = _checked_names(class_names)

    @property
    def layers(self):
        """The Keras layers whose state is served."""
        is_layer = isinstance(self._preprocessing, keras.layers.Layer)
        return [self.model, *([self._preprocessing] if is_layer else [])]

    def __call__(self, inputs):
        if isinstance(self._preprocessing, keras.layers.Layer):
            inputs = self._preprocessing(inputs, training=False)
        elif self._preprocessing is not None:
            inputs = self._preprocess(inputs)
        readings = self._read(inputs)
        if len(readings) == 1:
            ((_, _, reading),) = readings
            return self._of_one(reading, self._names)
        return self._of_several(readings)

    def _of_several(self, readings):
        """The entries of every output, its name before theirs."""
        names = self._names_of_outputs([name for name, _, _ in readings])
        served = {}
        for name, output, reading in readings:
            key = served_name(name)
            if reading is None:
                served[key] = at_least_float32(output)
                continue
            entries = self._of_one(reading, names.pop(name, None))
            served.update({f"{key}_{entry}": value for entry, value in entries.items()})
        if names:
            raise ValueError(
                "`class_names` must be of outputs that classify. Received: class_names of "
                f"{sorted(map(str, names))}, which are served as they are"
            )
        return served

    def _names_of_outputs(self, outputs):
        """The class names of each output that has any."""
        names = self._names or {}
        if not isinstance(names, dict) or not set(names) <= set(outputs):
            raise ValueError(
                "`class_names` must be a dictionary of outputs and lists of strings where there "
                f"are several outputs, here {outputs}. Received: class_names={self._names}"
            )
        return dict(names)

    def _of_one(self, reading, names):
        kind, logits = reading.distribution.name, reading.like_outputs(reading.logits)
        if kind == "gaussian":
            check_number(names, None, "a regression has no classes")
            return {"predictions": logits}
        if reading.returned_logits:
            probabilities = reading.like_outputs(reading.distribution.mean(reading.logits))
        else:
            probabilities = at_least_float32(reading.outputs)
        classes = classes_of(probabilities, kind, reading.class_axis, names)
        return {"logits": logits, "probabilities": probabilities, "classes": classes}

    def _preprocess(self, inputs):
        try:
            return self._preprocessing(inputs)
        except NotImplementedError as error:  # what a symbolic tensor says to NumPy
            raise ValueError(
                "`preprocessing` must be made of operations of keras.ops or TensorFlow, which "
                f"become part of the graph. Received: {self._preprocessing!r}, with {error}"
            ) from error

    def _read(self, inputs):
        try:
            return self._forward.readings(inputs)
        except ValueError as error:
            raise ValueError(
                f"{error} To say more of a plain Keras model, export "
                "keras_vat.VATModel(model, output=..., from_logits=...)"
            ) from error


def classes_of(probabilities, kind, axis, names):
    """What is most likely, or which of several labels hold: numbers, or names."""
    size = probabilities.shape[axis]
    if kind == "categorical":
        check_number(names, size, f"the classifier has {size} classes")
        return named(tf.argmax(probabilities, axis=axis), names)
    holds = ops.cast(probabilities >= 0.5, "int64")
    if len(probabilities.shape) == 2 and size == 1:
        check_number(names, 2, "one sigmoid has the classes 0 and 1")
        return named(ops.squeeze(holds, -1), names)
    check_number(names, size, f"the classifier has {size} labels")
    return holds if names is None else tf.where(holds == 1, names, "")


def named(indices, names):
    """Names in the place of numbers, where there are any."""
    return indices if names is None else tf.gather(tf.constant(names), indices)


def check_number(names, expected, reason):
    """Raises unless there are as many names as classes."""
    if names is not None and len(names) != expected:
        raise ValueError(
            f"`class_names` must have one name for each class: {reason}. "
            f"Received: class_names={names}"
        )


def served_name(name):
    """The name of an output as a signature can have it."""
    return f"output_{name}" if isinstance(name, int) else name.replace("/", "_")


def _checked_names(class_names):
    if class_names is None:
        return None
    if isinstance(class_names, dict):
        return {output: _checked_names(names) for output, names in class_names.items()}
    ordered = isinstance(class_names, (list, tuple, np.ndarray))
    if not ordered or not all(isinstance(name, str) for name in class_names):
        raise TypeError(
            f"`class_names` must be a list of strings. Received: class_names={class_names!r}"
        )
    names = list(class_names)
    if len(set(names)) != len(names):
        raise ValueError(
            f"`class_names` must differ from each other. Received: class_names={names}"
        )
    return [str(name) for name in names]
