"""Whether one epsilon can fit all columns of a table."""

import warnings

import numpy as np


def check_column_sizes(x):
    """Warns where columns of a table differ a hundredfold in size.

    Both by range and by standard deviation: standardised columns may have far outliers, and those
    of rare categories are small only by the deviation.

    Args:
        x: Inputs; those that are no table, `(rows, columns)`, are passed over.
    """
    if x.ndim != 2:
        return
    ratios = []
    for sizes in (np.ptp(x, axis=0), x.std(axis=0)):
        sizes = sizes[sizes > 0]
        ratios.append(sizes.max() / sizes.min() if len(sizes) else 1.0)
    if min(ratios) >= 100:
        warnings.warn(
            "The columns of `X` differ a hundredfold in size, and one epsilon is meant for all of "
            "them. Scale them first: make_pipeline(StandardScaler(), VATClassifier()). "
            f"Received: columns whose standard deviations differ by a factor of {ratios[1]:.0f}",
            stacklevel=3,
        )
