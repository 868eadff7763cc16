"""How many rows of a dataset a shuffle buffer may hold."""

import numpy as np
import tensorflow as tf

# All of CIFAR-10, or 1,800 photographs of 224 x 224 floats.
_ROWS = 50_000
_BYTES = 2**30

# Where rows differ in size, so many are read to tell the mean.
_ROWS_READ = 32


def shuffle_buffer(dataset):
    """Rows that fit into a shuffle buffer: 50,000, or fewer where these take more than 1 GiB.

    Args:
        dataset: `tf.data.Dataset` of single rows.
    """
    specs = tf.nest.flatten(dataset.element_spec, expand_composites=True)
    if all(spec.dtype != tf.string and spec.shape.is_fully_defined() for spec in specs):
        row_bytes = sum(spec.shape.num_elements() * spec.dtype.size for spec in specs)
    else:
        row_bytes = np.mean([_bytes(row) for row in dataset.take(_ROWS_READ)] or 0)
    return int(np.clip(_BYTES / max(row_bytes, 1), 1, _ROWS))


def _bytes(row):
    return sum(
        int(tf.reduce_sum(tf.strings.length(part)))
        if part.dtype == tf.string
        else part.numpy().nbytes
        for part in tf.nest.flatten(row, expand_composites=True)
    )
