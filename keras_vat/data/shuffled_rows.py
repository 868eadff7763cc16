"""Rows of arrays in ever new orders, without `tf.data`."""

import functools

import keras
import numpy as np
from keras import tree


class ShuffledRows:
    """Rows of a structure of arrays, all of them in each pass, in another order each time.

    Args:
        arrays: Array, or structure of arrays, with one row per example. Floats of 64 bits become
            `keras.config.floatx()`.
        name: The user's argument, for messages.
        seed: Integer, or `None`: drawn from NumPy's global one, as `keras.utils.set_random_seed`
            sets it.

    Raises:
        ValueError: If the arrays differ in number of rows.
    """

    def __init__(self, arrays, name, seed):
        self._arrays = tree.map_structure(as_rows, arrays)
        lengths = {len(array) for array in tree.flatten(self._arrays)}
        if len(lengths) != 1:
            raise ValueError(
                f"`{name}` must have arrays with as many rows each. Received: {sorted(lengths)}"
            )
        self.num_rows = lengths.pop()
        seed = np.random.randint(2**31) if seed is None else seed
        self._order = functools.lru_cache(4)(
            lambda number: np.random.default_rng([seed, number]).permutation(self.num_rows)
        )

    def of_pass(self, number, start, size):
        """`size` rows of one pass, from a place on."""
        return take(self._arrays, self._order(number)[start : start + size])

    def of_stream(self, number, size):
        """A batch of the endless stream that goes over all rows again and again."""
        places = np.arange(number * size, (number + 1) * size)
        passes = places // self.num_rows
        chosen = np.empty(size, "int64")
        for part in np.unique(passes):
            here = passes == part
            chosen[here] = self._order(int(part))[places[here] % self.num_rows]
        return take(self._arrays, chosen)


def as_rows(array):
    array = np.asarray(array)
    return array.astype(keras.config.floatx()) if array.dtype == np.float64 else array


def take(structure, rows):
    """The chosen rows of all arrays of a structure."""
    return tree.map_structure(lambda array: array[rows], structure)
