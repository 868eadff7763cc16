"""Images, their perturbations and the perturbed images, as one picture without text."""

import numpy as np

from keras_vat.plotting.mosaic import mosaic


def perturbation_rows(x, perturbed):
    """Three rows of images as one RGB picture in [0, 1].

    The middle row is mid-grey where nothing changed, and scaled so that the largest change of all
    images is black or white.

    Args:
        x: Images, `(columns, height, width)` or `(columns, height, width, 1 or 3)`. Images outside
            [0, 1] are brought there by their common range.
        perturbed: Shaped like `x`.
    """
    x, perturbed = np.asarray(x, "float64"), np.asarray(perturbed, "float64")
    low, high = (x.min(), x.max()) if x.min() < 0.0 or x.max() > 1.0 else (0.0, 1.0)
    difference = perturbed - x
    largest = np.abs(difference).max() or 1.0
    clean, moved = ((images - low) / (high - low) for images in (x, perturbed))
    rows = (clean, 0.5 + 0.5 * difference / largest, moved)
    return mosaic([np.clip(row, 0.0, 1.0) for row in rows])[0]
