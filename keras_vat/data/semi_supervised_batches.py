"""Semi-supervised batches of arrays where TensorFlow is not installed."""

import functools

import keras
import numpy as np
from keras import tree

from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs


class SemiSupervisedBatches(keras.utils.PyDataset):
    """What `semi_supervised` returns where there is no `tf.data`: the same batches, in NumPy.

    Args:
        labeled: `(x, y)` or `(x, y, sample_weight)` of arrays with one row per example.
        unlabeled: Array or structure of arrays like `x`; `None`: rows whose label is -1.
        labeled_batch_size, unlabeled_batch_size, augment, repeat: As in `semi_supervised`.
        seeds: Two integers, or `None`: of the order of the labelled and the unlabelled rows.

    Raises:
        TypeError: If `labeled` is no tuple of arrays.
        ValueError: If numbers of rows differ or there are too few for one batch.
    """

    def __init__(
        self, labeled, unlabeled, labeled_batch_size, unlabeled_batch_size, augment, seeds, repeat
    ):
        super().__init__()
        if not isinstance(labeled, tuple) or len(labeled) not in (2, 3):
            raise TypeError(
                "`labeled` must be a tuple of arrays, `(x, y)` or `(x, y, sample_weight)`; "
                "`tf.data` pipelines need TensorFlow. "
                f"Received: labeled={type(labeled).__name__}"
            )
        labeled = tree.map_structure(as_rows, labeled)
        if unlabeled is None:
            without = np.asarray(labeled[1]).reshape(len(labeled[1]), -1)[:, 0] == -1
            unlabeled = take(labeled[0], np.flatnonzero(without))
            labeled = take(labeled, np.flatnonzero(~without))
        self._labeled, self._unlabeled = labeled, tree.map_structure(as_rows, unlabeled)
        self._sizes = labeled_batch_size, unlabeled_batch_size
        self._rows = [
            number_of_rows(name, rows)
            for name, rows in (("labeled", self._labeled), ("unlabeled", self._unlabeled))
        ]
        if self._rows[1] < unlabeled_batch_size or self._rows[0] < 1:
            raise ValueError(
                "There must be a labelled row and unlabelled rows for a batch. Received: "
                f"{self._rows[0]} labelled and {self._rows[1]} unlabelled rows, "
                f"unlabeled_batch_size={unlabeled_batch_size}"
            )
        self._augment, self._repeat, self._epoch = augment, repeat, 0
        # Without a seed: from NumPy's global one, as keras.utils.set_random_seed sets it.
        seeds = [np.random.randint(2**31) if seed is None else seed for seed in seeds]
        self._orders = [functools.lru_cache(4)(order(seed)) for seed in seeds]

    @property
    def num_batches(self):
        """Batches of an epoch; `None`: endless."""
        return None if self._repeat else self._rows[1] // self._sizes[1]

    def on_epoch_end(self):
        self._epoch += 1

    def __getitem__(self, number):
        if self._repeat:
            unlabeled = self._stream(1, number)
        else:
            start = number * self._sizes[1]
            order = self._orders[1](self._rows[1], self._epoch)
            unlabeled = order[start : start + self._sizes[1]]
            number += self._epoch * self.num_batches
        x, *targets = take(self._labeled, self._stream(0, number))
        inputs = SemiSupervisedInputs(
            self._augment(x), self._augment(take(self._unlabeled, unlabeled))
        )
        return (inputs, *targets)

    def _stream(self, half, number):
        """Rows of a batch of an endless stream that goes over all rows again and again."""
        rows, size = self._rows[half], self._sizes[half]
        places = np.arange(number * size, (number + 1) * size)
        chosen = np.empty(size, "int64")
        for part in np.unique(places // rows):
            here = places // rows == part
            chosen[here] = self._orders[half](rows, int(part))[places[here] % rows]
        return chosen


def order(seed):
    """The order of the rows in each pass over them."""
    return lambda rows, number: np.random.default_rng([seed, number]).permutation(rows)


def as_rows(array):
    array = np.asarray(array)
    return array.astype(keras.config.floatx()) if array.dtype == np.float64 else array


def take(structure, rows):
    return tree.map_structure(lambda array: array[rows], structure)


def number_of_rows(name, structure):
    lengths = {len(array) for array in tree.flatten(structure)}
    if len(lengths) != 1:
        raise ValueError(
            f"`{name}` must have arrays with as many rows each. Received: {sorted(lengths)}"
        )
    return lengths.pop()
