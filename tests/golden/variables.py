"""What variables hold, kept and compared."""

import numpy as np


def values(variables):
    return [np.array(variable.value) for variable in variables]


def assert_equal(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)
