"""Rows of arrays held in memory, as a source of shuffled batches."""

import keras
import numpy as np
from keras import tree

from keras_vat import arguments
from keras_vat.data.is_dataset import is_dataset

# Few rows are shuffled for several passes at once: about so many indices per draw.
_INDICES_PER_DRAW = 1024


class ArrayRows:
    """Rows of one or several arrays of equal length.

    A batch costs one gather per array: the shuffled indices are made a whole pass at a time, so
    nothing is done row by row. TensorFlow is needed for `batches` alone.

    Args:
        arrays: Array, or structure of arrays, with one row per example.
        name: The user's argument, for messages.
        indices: The rows that belong to this source; `None` (default) means all.
    """

    def __init__(self, arrays, name, indices=None):
        self._name = name
        self._arrays = _as_arrays(arrays, name)
        lengths = [len(array) for array in tree.flatten(self._arrays)]
        if len(set(lengths)) != 1:
            raise ValueError(
                f"All arrays in `{name}` must have the same number of rows. "
                f"Received: {name} with rows {lengths}"
            )
        if lengths[0] == 0:
            raise ValueError(f"`{name}` must have at least one row. Received: {name} with 0 rows")
        self._indices = np.arange(lengths[0]) if indices is None else indices

    @classmethod
    def labeled(cls, labeled):
        """The rows of `(x, y)` or `(x, y, sample_weight)`."""
        if not isinstance(labeled, (tuple, list)) or len(labeled) not in (2, 3):
            received = type(labeled).__name__
            if isinstance(labeled, (tuple, list)):
                received += f" of length {len(labeled)}"
            raise TypeError(
                "`labeled` must be a tuple of arrays `(x, y)` or `(x, y, sample_weight)`, or a "
                f"`tf.data.Dataset` of such tuples. Received: labeled={received}"
            )
        return cls(tuple(labeled), "labeled")

    @classmethod
    def unlabeled(cls, unlabeled):
        """The rows of an array or a structure of arrays."""
        return cls(unlabeled, "unlabeled")

    @property
    def num_rows(self):
        """Number of rows."""
        return len(self._indices)

    @property
    def spec(self):
        """Structure of things with `shape` and `dtype`, as one row has them."""
        return tree.map_structure(
            lambda array: np.broadcast_to(np.zeros((), array.dtype), array.shape[1:]),
            self._arrays,
        )

    def rows_in_batch(self, batch_size):
        """Rows of a full batch: `batch_size`, or all where there are fewer."""
        return min(batch_size, self.num_rows)

    def take(self, places):
        """The rows at some places of this source, a structure of arrays."""
        chosen = self._indices[places]
        return tree.map_structure(lambda array: array[chosen], self._arrays)

    def split_by_label(self):
        """The rows whose label is not -1, and the inputs of those whose label is."""
        x, y = self._arrays[:2]
        if not isinstance(y, np.ndarray):
            raise ValueError(
                "`unlabeled=None` needs a single array of labels, in which -1 marks the unlabelled "
                f"rows. Received: labeled with labels in a {type(y).__name__}"
            )
        labels = y.reshape(len(y), -1)
        missing = arguments.count_missing(y)
        if missing:
            raise ValueError(
                "`labeled` must have -1 where a label is unknown. "
                f"Received: labeled with {missing} labels that are NaN or None"
            )
        unlabeled = (labels == -1).all(axis=1)
        if unlabeled.all() or not unlabeled.any():
            which = "none" if not unlabeled.any() else "all"
            raise ValueError(
                "`unlabeled=None` needs rows in `labeled` whose label is -1 (the unlabelled ones) "
                f"and rows whose label is not. Received: labeled with {which} of its "
                f"{len(labels)} labels -1. Pass the unlabelled inputs as `unlabeled`."
            )
        return (
            ArrayRows(self._arrays, self._name, np.flatnonzero(~unlabeled)),
            ArrayRows(x, self._name, np.flatnonzero(unlabeled)),
        )

    def batches(self, batch_size, seed, repeat):
        """Dataset of full batches, shuffled anew in each pass and in each iteration.

        Args:
            batch_size: Rows per batch.
            seed: Integer, or `None`.
            repeat: `True`: endless, batches span passes; `False`: one pass.
        """
        import tensorflow as tf  # here, so that the package does without it where it can

        from keras_vat.data.pass_seeds import pass_seeds

        with tf.device("/CPU:0"):
            arrays = tree.map_structure(tf.convert_to_tensor, self._arrays)
            rows = tf.constant(self._indices, "int64")
        num_rows = self.num_rows
        passes = max(1, _INDICES_PER_DRAW // num_rows) if repeat else 1
        seeds = pass_seeds(seed).batch(2, drop_remainder=True)

        def shuffled_rows(pass_seed):
            keys = tf.random.stateless_uniform((passes, num_rows), pass_seed, None, None, "int32")
            order = tf.reshape(tf.argsort(keys, axis=-1), (passes * num_rows,))
            return tf.gather(rows, order)

        def gather(indices):
            return tree.map_structure(lambda array: tf.gather(array, indices), arrays)

        indices = (seeds if repeat else seeds.take(1)).map(shuffled_rows).prefetch(1)
        indices = indices.rebatch(batch_size, drop_remainder=True)
        cardinality = tf.data.INFINITE_CARDINALITY if repeat else num_rows // batch_size
        indices = indices.apply(tf.data.experimental.assert_cardinality(cardinality))
        return indices.map(gather)


def _as_arrays(arrays, name):
    """Structure of NumPy arrays; lists of arrays become tuples."""
    if isinstance(arrays, dict):
        return {key: _as_arrays(value, name) for key, value in arrays.items()}
    if isinstance(arrays, tuple) and hasattr(arrays, "_fields"):
        return type(arrays)(*(_as_arrays(value, name) for value in arrays))
    if isinstance(arrays, tuple) or _is_list_of_arrays(arrays):
        return tuple(_as_arrays(value, name) for value in arrays)
    if arrays is None or is_dataset(arrays):
        raise TypeError(
            f"`{name}` must hold arrays only. Received: {type(arrays).__name__} inside {name}"
        )
    arrays = np.asarray(arrays)
    if arrays.ndim == 0:
        raise ValueError(
            f"Arrays in `{name}` must have a first axis with one row per example. "
            f"Received: a scalar inside {name}"
        )
    return arrays.astype(keras.config.floatx()) if arrays.dtype == "float64" else arrays


def _is_list_of_arrays(arrays):
    return (
        isinstance(arrays, list)
        and len(arrays) > 0
        and all(len(getattr(value, "shape", ())) > 0 for value in arrays)
    )
