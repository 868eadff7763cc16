"""Checks of arguments that several rooms share."""

import numbers
import os

import numpy as np


def positive(name, value):
    """Raises unless `value` is a finite number above 0; returns it as a float."""
    return _number(name, value, lambda v: v > 0, "a finite number above 0")


def non_negative(name, value):
    """Raises unless `value` is a finite number of at least 0; returns it as a float."""
    return _number(name, value, lambda v: v >= 0, "a finite number of at least 0")


def fraction(name, value):
    """Raises unless `value` is a number of at least 0 and below 1; returns it as a float."""
    return _number(name, value, lambda v: 0 <= v < 1, "a number of at least 0 and below 1")


def whole_number(name, value, minimum):
    """Raises unless `value` is an integer of at least `minimum`; returns it."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"`{name}` must be an integer. Received: {name}={value!r} "
            f"(of type {type(value).__name__})"
        )
    if value < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}. Received: {name}={value}")
    return int(value)


def boolean(name, value):
    """Raises unless `value` is `True` or `False`: "no" would count as true; returns it."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"`{name}` must be True or False. Received: {name}={value!r} "
            f"(of type {type(value).__name__})"
        )
    return bool(value)


def string(name, value):
    """Raises unless `value` is a string with something in it; returns it."""
    if not isinstance(value, str) or not value:
        raise TypeError(
            f"`{name}` must be a string that is not empty. Received: {name}={value!r} "
            f"(of type {type(value).__name__})"
        )
    return value


def path(name, value):
    """Raises unless `value` is a path, as a string or an object; returns it, "~" written out."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise TypeError(
            f"`{name}` must be a string or a path that is not empty. Received: {name}={value!r} "
            f"(of type {type(value).__name__})"
        )
    return os.path.expanduser(os.fspath(value))


def shape(name, value):
    """Raises unless `value` is a tuple or list of integers of at least 1; returns a tuple."""
    if not isinstance(value, (tuple, list)) or not value:
        raise TypeError(
            f"`{name}` must be a tuple of sizes. Received: {name}={value!r} "
            f"(of type {type(value).__name__})"
        )
    return tuple(whole_number(name, size, 1) for size in value)


def are_whole(values):
    """Whether an array holds whole numbers, of whatever dtype."""
    return values.dtype.kind in "biuf" and bool(np.all(values == np.round(values)))


def count_missing(values):
    """How many entries of an array are NaN, `None` or pandas's NA."""
    if values.dtype.kind == "f":
        return int(np.isnan(values).sum())
    if values.dtype.kind != "O":
        return 0
    # NA is told by its name: it compares as neither true nor false.
    return sum(
        one is None or type(one).__name__ == "NAType" or bool(one != one) for one in values.flat
    )


def seed(value):
    """Raises unless the seed is an integer or `None`; returns it as JAX's unsigned 32 bits."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"`seed` must be an integer or None. Received: seed={value!r} "
            f"(of type {type(value).__name__})"
        )
    return int(value) % 2**32


def one_of(name, value, choices):
    """Raises unless `value` is one of the choices, which are strings; returns it."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"`{name}` must be one of {tuple(choices)}. Received: {name}={value!r}")
    return value


def shapes_agree(shape, other):
    """Whether two shapes may be equal; an unknown size, or rank, agrees with any."""
    if any(getattr(one, "rank", 0) is None for one in (shape, other)):  # a tf.TensorShape
        return True
    return len(shape) == len(other) and all(
        None in sizes or sizes[0] == sizes[1] for sizes in zip(shape, other, strict=True)
    )


def _number(name, value, allowed, expected):
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    is_scalar_array = isinstance(value, np.ndarray) and value.ndim == 0
    if not (is_number or is_scalar_array):
        raise TypeError(
            f"`{name}` must be {expected}. Received: {name}={value!r} "
            f"(of type {type(value).__name__})"
        )
    if not (np.isfinite(value) and allowed(value)):
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r}")
    return float(value)
