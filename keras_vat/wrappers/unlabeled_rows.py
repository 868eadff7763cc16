"""Which rows have no label."""

import numpy as np


def is_unlabeled(y):
    """Whether a row's label is -1, scikit-learn's sign for an unknown one; booleans, `(rows,)`.

    Also in an array of strings, as NumPy makes it of a list of names and -1.
    """
    y = np.asarray(y)
    return y == ("-1" if y.dtype.kind in "US" else -1)
