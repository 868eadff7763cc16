"""Which rows have no label."""

import numpy as np


def is_unlabeled(y):
    """Whether a row's label is -1, scikit-learn's sign for an unknown one; booleans, `(rows,)`.

    Also where it is a string, as NumPy makes it in an array of names and -1.
    """
    y = np.asarray(y)
    if y.dtype.kind == "O":
        return (y == -1) | (y == "-1")
    return y == ("-1" if y.dtype.kind in "US" else -1)
