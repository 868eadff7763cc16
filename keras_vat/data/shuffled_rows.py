"""Rows of arrays in ever new orders, without `tf.data`."""

import functools

import numpy as np


class ShuffledRows:
    """All rows of a source in each pass, in another order each time.

    Args:
        rows: The `ArrayRows`.
        seed: Integer, or `None`: drawn from NumPy's global one, as `keras.utils.set_random_seed`
            sets it.
    """

    def __init__(self, rows, seed):
        self._rows, self.num_rows = rows, rows.num_rows
        seed = np.random.randint(2**31) if seed is None else seed
        self._order = functools.lru_cache(4)(
            lambda number: np.random.default_rng([seed, number]).permutation(self.num_rows)
        )

    def of_pass(self, number, start, size):
        """`size` rows of one pass, from a place on."""
        return self._rows.take(self._order(number)[start : start + size])

    def of_stream(self, number, size):
        """A batch of the endless stream that goes over all rows again and again."""
        places = np.arange(number * size, (number + 1) * size)
        passes = places // self.num_rows
        chosen = np.empty(size, "int64")
        for part in np.unique(passes):
            here = passes == part
            chosen[here] = self._order(int(part))[places[here] % self.num_rows]
        return self._rows.take(chosen)
