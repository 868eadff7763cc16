"""Images beside and below each other, as one image."""

import numpy as np


def mosaic(rows):
    """One RGB image of all rows of images, with the centres of its columns and of its lines.

    Args:
        rows: List of images in [0, 1], `(columns, height, width)` or `(columns, height, width,
            1 or 3 channels)`, all of one shape.
    """
    images = np.stack(rows)
    if images.ndim == 4:
        images = images[..., None]
    images = np.broadcast_to(images, (*images.shape[:-1], 3))
    height, width = images.shape[2:4]
    gap = max(1, round(0.06 * width))
    padding = ((0, 0), (0, 0), (0, gap), (0, gap), (0, 0))
    images = np.pad(images, padding, constant_values=1.0)
    lines, columns = images.shape[:2]
    picture = images.swapaxes(1, 2).reshape(lines * (height + gap), columns * (width + gap), 3)
    centers = [
        np.arange(count) * (size + gap) + (size - 1) / 2
        for count, size in ((columns, width), (lines, height))
    ]
    return picture[:-gap, :-gap], *centers
