"""Which rows have no label."""

import numpy as np

from keras_vat.arguments import count_missing


def is_unlabeled(y):
    """Whether a row's label is -1, scikit-learn's sign for an unknown one; booleans, `(rows,)`.

    Also where it is a string, as NumPy makes it in an array of names and -1.
    """
    y = np.asarray(y)
    if y.dtype.kind == "O":
        return (y == -1) | (y == "-1")
    return y == ("-1" if y.dtype.kind in "US" else -1)


def check_missing_labels(y):
    """Raises where labels are `None` or NaN, as pandas has unknown ones."""
    missing = 0 if y is None else count_missing(np.asarray(y))
    if missing:
        raise ValueError(
            "Input y contains NaN: a row without a label has -1, as `y.fillna(-1)` of a pandas "
            "series makes it, or '-1' among strings. "
            f"Received: y with {missing} missing labels"
        )
