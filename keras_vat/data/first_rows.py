"""A look at training data before the training."""

import numpy as np
from keras import utils

from keras_vat.data.is_dataset import is_dataset


def first_rows(x, batch_size=None):
    """One batch of inputs from what `fit` was given; `None` if it can't be had without loss.

    Args:
        x: Array or tensor of rows, or a `tf.data.Dataset` or `keras.utils.PyDataset` of batches or
            of tuples that begin with one.
        batch_size: Rows to take of an array, spread over its length. Defaults to `32`, as in
            `fit`.
    """
    batch = None
    if is_dataset(x):
        batch = next(iter(x), None)
    elif isinstance(x, utils.PyDataset) and x.num_batches != 0:
        batch = x[0]
    elif hasattr(x, "shape"):
        rows = min(batch_size or 32, x.shape[0])
        return np.asarray(x)[np.linspace(0, x.shape[0] - 1, rows).astype(int)]
    return None if batch is None else utils.unpack_x_y_sample_weight(batch)[0]
