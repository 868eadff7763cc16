"""What a served classifier is asked with: names, shapes and dtypes of its inputs."""

import keras
import tensorflow as tf
from keras import tree

from keras_vat.forward.perturbable import as_tensors


class ServedInputs:
    """The inputs of a signature, and batches of them to warm up with.

    Attributes:
        names: One name for each input.
        specs: One `tf.TensorSpec` for each, of any batch size.
        warmup_batches: Two batches (one, where the example has one row), each a list of tensors.

    Args:
        classifier: The built Keras model.
        input_name: Name of the input, if there is only one.
        example: Batch of inputs, or `None`.
        from_example: Whether the example decides about shapes and dtypes, if there is one.
    """

    def __init__(self, classifier, input_name, example, from_example):
        if not isinstance(input_name, str) or not input_name.isidentifier():
            raise ValueError(
                "`input_name` must be a string that could name a variable. "
                f"Received: input_name={input_name!r}"
            )
        declared = declared_inputs(classifier)
        if example is not None:
            example = as_tensors(example)
        if declared is None and example is None:
            raise ValueError(
                "`example` is needed, a batch of inputs: the classifier declares no inputs. "
                "Received: example=None"
            )
        by_example = declared is None or (from_example and example is not None)
        self._structure = example if by_example else declared
        self.names = input_names(self._structure, input_name)
        self.specs = [
            tf.TensorSpec((None, *tensor.shape[1:]), served_dtype(tensor), name=name)
            for tensor, name in zip(tree.flatten(self._structure), self.names, strict=True)
        ]
        batch = self._zeros() if example is None else self._check(example)
        self.warmup_batches = [[tensor[:1] for tensor in batch]]
        if batch[0].shape[0] > 1:
            self.warmup_batches.append(batch)

    def pack(self, tensors):
        """The structure that the classifier is called with."""
        return tree.pack_sequence_as(self._structure, list(tensors))

    def _zeros(self):
        for spec in self.specs:
            if None in spec.shape[1:]:
                raise ValueError(
                    "`example` is needed, a batch of inputs to warm up with: the classifier leaves "
                    f"sizes of its input '{spec.name}' open. "
                    f"Received: example=None, shape={tuple(spec.shape)}"
                )
        return [tf.zeros((2, *spec.shape[1:]), spec.dtype) for spec in self.specs]

    def _check(self, example):
        flat = tree.flatten(example)
        fits = len(flat) == len(self.specs) and all(
            len(tensor.shape) > 0
            and tensor.shape[0] > 0
            and spec.shape.is_compatible_with(tensor.shape)
            for tensor, spec in zip(flat, self.specs, strict=True)
        )
        if not fits:
            raise ValueError(
                "`example` must be a batch of the classifier's inputs, "
                f"{[tuple(spec.shape) for spec in self.specs]}. "
                f"Received: example with shapes {[tuple(tensor.shape) for tensor in flat]}"
            )
        return [
            tensor if tensor.dtype == spec.dtype else tf.cast(tensor, spec.dtype)
            for tensor, spec in zip(flat, self.specs, strict=True)
        ]


def declared_inputs(classifier):
    """The structure of the classifier's symbolic inputs; `None` where it can't be known."""
    if isinstance(classifier, keras.Sequential):
        inputs = getattr(classifier, "inputs", None)
        return inputs[0] if inputs else None
    if getattr(classifier, "inputs", None):
        return classifier.input
    shape = (classifier.get_build_config() or {}).get("input_shape")
    if isinstance(shape, (list, tuple)) and all(n is None or isinstance(n, int) for n in shape):
        return keras.KerasTensor(tuple(shape), keras.config.floatx())
    return None


def input_names(structure, input_name):
    """A name for each tensor of a structure."""
    names = []
    for path, tensor in tree.flatten_with_path(structure):
        if path and isinstance(path[-1], str):
            names.append(path[-1])
        elif len(tree.flatten(structure)) == 1:
            names.append(input_name)
        elif isinstance(tensor, keras.KerasTensor):
            names.append(tensor.name)
        else:
            names.append(f"{input_name}_{len(names)}")
    if input_name != "inputs" and not any(name.startswith(input_name) for name in names):
        raise ValueError(
            "`input_name` must be left out: the classifier's inputs have names of their own. "
            f"Received: input_name={input_name!r} for inputs {names}"
        )
    if len(set(names)) != len(names) or not all(name.isidentifier() for name in names):
        raise ValueError(
            "`model` must have inputs whose names could name variables and differ from each other. "
            f"Received: inputs {names}"
        )
    return names


def served_dtype(tensor):
    """The dtype that clients send; they need not know of half precision."""
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    return "float32" if dtype in ("float16", "bfloat16") else dtype
