"""The arrays that plots are given, and which of them hold images."""

import numpy as np


def as_numbers(name, values):
    """The argument as a float64 array.

    Raises:
        TypeError: If it is no array of numbers.
    """
    try:
        return np.asarray(values, "float64")
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"`{name}` must be an array of numbers. Received: {name} of type "
            f"{type(values).__name__}"
        ) from error


def as_images(name, values):
    """The argument as a float64 array of one image at least.

    Raises:
        TypeError: If it is no array of numbers.
        ValueError: If these are no images.
    """
    images = as_numbers(name, values)
    if not are_images(images.shape):
        hint = {2: " Reshape flat images first."}.get(images.ndim, "")
        if images.ndim == 3 and images.shape[-1] in (1, 3):
            hint = " Give one image as `x[None]`."
        raise ValueError(
            f"`{name}` must hold images: (rows, height, width) or (rows, height, width, 1 or 3), "
            f"and at least one. Received: {name}.shape={images.shape}.{hint}"
        )
    return images


def are_images(shape):
    """Whether an array of this shape holds images: one with channels alone doesn't, nor signals."""
    if 0 in shape:
        return False
    if len(shape) == 3:
        return shape[-1] not in (1, 3)
    return len(shape) == 4 and shape[-1] in (1, 3)
