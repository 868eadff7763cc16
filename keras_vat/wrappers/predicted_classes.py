"""Whether a classifier has lost all classes but one."""

import warnings

import numpy as np

_ROWS, _FEWEST_ROWS = 1000, 20
_PREDICTED, _LABELED = 0.95, 0.6  # shares of one class


def check_predicted_classes(predict, x, y, classes, given):
    """Warns where nearly all rows without labels are given one class, unlike those with labels.

    A penalty is smallest where every row gets the same answer, and a few labelled rows among many
    columns can be learned by heart beside it.

    Args:
        predict: Function of rows: probabilities of the classes, `(rows, classes)`.
        x: Rows that were trained on.
        y: Numbers of their classes; -1: no label.
        classes: Names of the classes, an array.
        given: Parameters to name, as a dictionary.
    """
    rest = np.flatnonzero(y < 0)
    if len(rest) < _FEWEST_ROWS:
        return
    rest = rest[:: -(-len(rest) // _ROWS)]
    counts = np.bincount(predict(x[rest]).argmax(axis=1), minlength=len(classes))
    most = counts.argmax()
    share = np.mean(y[y >= 0] == most)
    if counts[most] < _PREDICTED * len(rest) or share > _LABELED:
        return
    name = classes.tolist()[most]
    received = ", ".join(f"{key}={value!r}" for key, value in given.items())
    warnings.warn(
        f"{counts[most]} of {len(rest)} rows without a label are predicted to be of class "
        f"{name!r}, as {share:.0%} of the labelled ones are. Unless that is right, the penalties "
        "have drowned the labels: compare `regularizer=None`, and try a smaller `epsilon` or "
        f"`weight`, or no entropy. Received: {received}",
        stacklevel=3,
    )
