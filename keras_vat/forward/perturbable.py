"""The inputs that a perturbation can move."""

import keras
import numpy as np
from keras import ops, tree


class Perturbable:
    """The floating tensors of an input structure; the others pass through.

    Args:
        x: A tensor or any structure of tensors.

    Raises:
        TypeError: If there is a `None` in it.
    """

    def __init__(self, x):
        self._structure = x
        self._flat = tree.flatten(x)
        if any(tensor is None for tensor in self._flat):
            raise TypeError(
                f"`x` must be a tensor or a structure of tensors, without None. Received: x={x}"
            )
        self._places = [
            place for place, tensor in enumerate(self._flat) if is_floating(tensor.dtype)
        ]

    @property
    def parts(self):
        """The floating tensors, as a list."""
        return [self._flat[place] for place in self._places]

    def select(self, flat):
        """Of a list with one thing for each input, those that belong to the floating ones."""
        return [flat[place] for place in self._places]

    def check(self):
        """Raises where there is nothing to perturb."""
        if not self._places:
            dtypes = [keras.backend.standardize_dtype(tensor.dtype) for tensor in self._flat]
            raise TypeError(
                "`x` must have at least one floating input: integers can't be perturbed. Say where "
                "to perturb by the name of a layer, perturb_at='embedding' of tokens or the "
                "`Rescaling` of images; or cast images to floats (epsilon is in their units). "
                f"Received: dtypes={dtypes}"
            )

    def put(self, parts, others=None):
        """The structure with other floating tensors; `others` replaces what passes through."""
        flat = [tensor if others is None else others(tensor) for tensor in self._flat]
        for place, part in zip(self._places, parts, strict=True):
            flat[place] = part
        return tree.pack_sequence_as(self._structure, flat)

    def shift(self, perturbation):
        """The structure with a perturbation (a list, one for each part) added."""
        return self.put([part + r for part, r in zip(self.parts, perturbation, strict=True)])


def as_tensors(x, dense=True):
    """Arrays to tensors; float64 arrays to Keras's default float, as `fit` does.

    Args:
        x: A structure of arrays and tensors.
        dense: Whether sparse ones become dense: a perturbation moves every number.
    """

    def convert(value):
        if dense and is_sparse(value):
            value = densified(value)
        if value is None or keras.ops.is_tensor(value) or is_sparse(value):
            return value
        value = np.asarray(value)
        dtype = keras.config.floatx() if value.dtype == np.float64 else None
        return ops.convert_to_tensor(value, dtype=dtype)

    return tree.map_structure(convert, x)


def is_sparse(value):
    """Whether something is a matrix of SciPy's, a `tf.SparseTensor` or sparse on JAX."""
    return hasattr(value, "todense") or hasattr(value, "dense_shape")


def densified(value):
    """A sparse matrix or tensor with all its zeros."""
    if hasattr(value, "toarray"):  # SciPy's
        return value.toarray()
    if hasattr(value, "dense_shape") and not ops.is_tensor(value):  # TensorFlow's, elsewhere
        dense = np.zeros(tuple(value.dense_shape), np.asarray(value.values).dtype)
        dense[tuple(np.asarray(value.indices).T)] = np.asarray(value.values)
        return dense
    return ops.convert_to_tensor(value, sparse=False)


def is_floating(dtype):
    """Whether a dtype is floating."""
    return keras.backend.is_float_dtype(keras.backend.standardize_dtype(dtype))
