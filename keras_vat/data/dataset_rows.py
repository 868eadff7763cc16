"""Rows of a `tf.data.Dataset`, as a source of shuffled batches."""

import keras
import tensorflow as tf

from keras_vat.data.pass_seeds import pass_seeds
from keras_vat.data.shuffle_buffer import shuffle_buffer


class DatasetRows:
    """Rows that a `tf.data.Dataset` yields one by one.

    Args:
        dataset: `tf.data.Dataset` of unbatched elements.
        name: The user's argument, for messages.
        num_rows: How many there are; `None` (default) asks the dataset.
    """

    def __init__(self, dataset, name, num_rows=None):
        self._dataset = dataset.map(_to_floatx) if _has_float64(dataset) else dataset
        cardinality = int(dataset.cardinality()) if num_rows is None else num_rows
        self._endless = cardinality == tf.data.INFINITE_CARDINALITY
        self._name, self._num_rows = name, cardinality if cardinality >= 0 else None

    @classmethod
    def labeled(cls, labeled):
        """The rows of a dataset of `(x, y)` or `(x, y, sample_weight)`."""
        spec = labeled.element_spec
        if not isinstance(spec, tuple) or len(spec) not in (2, 3):
            raise TypeError(
                "`labeled` must be a `tf.data.Dataset` of tuples `(x, y)` or "
                f"`(x, y, sample_weight)`. Received: labeled with elements {spec}"
            )
        for label in tf.nest.flatten(spec[1]):
            if label.shape.rank and label.shape[0] is None:
                raise ValueError(
                    "`labeled` must be a `tf.data.Dataset` of single rows, not of batches. "
                    f"Received: labeled with labels {label}. Call `unbatch()` on it."
                )
        return cls(labeled, "labeled")

    @classmethod
    def unlabeled(cls, unlabeled):
        """The rows of a dataset of inputs."""
        return cls(unlabeled, "unlabeled")

    @property
    def spec(self):
        """Structure of `tf.TensorSpec` of one row."""
        return self._dataset.element_spec

    def rows_in_batch(self, batch_size):
        """Rows of a full batch: `batch_size`, or all where there are fewer.

        Of a dataset of unknown length as many rows are read as decide it.
        """
        if self._num_rows is None and not self._endless:
            first_rows = self._dataset.take(batch_size)
            num_rows = int(first_rows.reduce(0, lambda count, _: count + 1))
            if num_rows < batch_size:
                self._num_rows = num_rows
        if self._num_rows == 0:
            raise ValueError(
                f"`{self._name}` must have at least one row. Received: an empty dataset"
            )
        return batch_size if self._num_rows is None else min(batch_size, self._num_rows)

    def split_by_label(self):
        """The rows whose label is not -1, and the inputs of those whose label is."""
        if not isinstance(self.spec[1], tf.TensorSpec) or self._endless:
            raise ValueError(
                "`unlabeled=None` needs a finite dataset with a single tensor of labels, in which "
                f"-1 marks the unlabelled rows. Received: labeled with elements {self.spec}, "
                f"{'endless' if self._endless else 'finite'}"
            )

        def is_unlabeled(row):
            return tf.reduce_all(tf.equal(row[1], tf.cast(-1, row[1].dtype)))

        def count(counts, *row):
            return counts + tf.one_hot(tf.cast(is_unlabeled(row), "int32"), 2, dtype="int64")

        num_labeled, num_unlabeled = map(
            int, self._dataset.reduce(tf.zeros(2, "int64"), lambda counts, row: count(counts, *row))
        )
        if num_labeled == 0 or num_unlabeled == 0:
            raise ValueError(
                "`unlabeled=None` needs rows in `labeled` whose label is -1 (the unlabelled ones) "
                f"and rows whose label is not. Received: labeled with {num_unlabeled} of its "
                f"{num_labeled + num_unlabeled} labels -1. Pass the unlabelled inputs as "
                "`unlabeled`."
            )
        labeled = self._dataset.filter(lambda *row: tf.logical_not(is_unlabeled(row)))
        unlabeled = self._dataset.filter(lambda *row: is_unlabeled(row)).map(lambda x, *_: x)
        return (
            DatasetRows(labeled, "labeled", num_labeled),
            DatasetRows(unlabeled, "labeled", num_unlabeled),
        )

    def batches(self, batch_size, seed, repeat):
        """Dataset of full batches, shuffled anew in each pass and in each iteration.

        Args:
            batch_size: Rows per batch.
            seed: Integer, or `None`.
            repeat: `True`: endless, batches span passes; `False`: one pass.
        """
        buffer = shuffle_buffer(self._dataset)
        if self._num_rows is not None:
            buffer = min(buffer, self._num_rows)
        seeds = pass_seeds(seed)

        # A seed per pass, so that what is read ahead never changes a later epoch's order.
        def shuffled_rows(pass_seed):
            # Of this function's graph alone: TensorFlow can't combine a global seed of 0 with the
            # seed of a pass, which is a tensor.
            tf.compat.v1.set_random_seed(1)
            return self._dataset.shuffle(buffer, pass_seed, reshuffle_each_iteration=False)

        rows = (seeds if repeat else seeds.take(1)).flat_map(shuffled_rows)
        if repeat or self._endless:
            cardinality = tf.data.INFINITE_CARDINALITY
        else:
            cardinality = self._num_rows
        if cardinality is not None:
            rows = rows.apply(tf.data.experimental.assert_cardinality(cardinality))
        return rows.batch(batch_size, drop_remainder=True)


def _has_float64(dataset):
    return keras.config.floatx() != "float64" and any(
        getattr(spec, "dtype", None) == tf.float64 for spec in tf.nest.flatten(dataset.element_spec)
    )


def _to_floatx(*row):
    row = row[0] if len(row) == 1 else row
    floatx = keras.config.floatx()
    return tf.nest.map_structure(lambda t: tf.cast(t, floatx) if t.dtype == "float64" else t, row)
