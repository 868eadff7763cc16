from typing import Any

import numpy as np

from keras_vat import arguments
from keras_vat.plotting.as_numbers import as_images
from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.mosaic import mosaic


def plot_reconstructions(
    x: Any, reconstructions: Any, samples: Any = None, max_images: int = 10, ax: Any = None
) -> Any:
    """Draws images, what a generator makes of them, and images that it draws itself, row by row.

    Args:
        x: Images in [0, 1], `(rows, height, width)` or `(rows, height, width, channels)` with 1 or
            3 channels.
        reconstructions: `generator.decode(generator.encode(x))`, shaped like `x`.
        samples: Samples of the generator: images of the same size, any number of them. `None`
            (default): no such row.
        max_images: Number of images in a row at most. Defaults to `10`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If an argument is no array of numbers.
        ValueError: If the shapes differ or are not those of images.

    Example:

    ```python
    x = np.random.uniform(size=(6, 28, 28))
    blurred = (x + np.roll(x, 1, axis=2)) / 2
    keras_vat.plotting.plot_reconstructions(x, blurred, samples=x[::-1])
    ```

    Reference: Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
    (arXiv:2011.13181), figure 7, first two rows.
    """
    max_images = arguments.whole_number("max_images", max_images, 1)
    x, reconstructions = as_images("x", x), as_images("reconstructions", reconstructions)
    if x.shape != reconstructions.shape:
        raise ValueError(
            "`reconstructions` must have the shape of `x`. Received: "
            f"x.shape={x.shape}, reconstructions.shape={reconstructions.shape}"
        )
    rows = {"original": x[:max_images], "reconstruction": reconstructions[:max_images]}
    if samples is not None:
        samples = as_images("samples", samples)
        if samples.shape[1:] != x.shape[1:]:
            raise ValueError(
                "`samples` must have images of the size of `x`. "
                f"Received: x.shape={x.shape}, samples.shape={samples.shape}"
            )
        rows["sample"] = samples[:max_images]
    length = max(len(images) for images in rows.values())
    picture, _, lines = mosaic([_filled(np.clip(row, 0.0, 1.0), length) for row in rows.values()])
    ax = axes_or_new(ax, figsize=(1.0 * length + 1.6, 1.1 * len(rows)))
    ax.imshow(picture, interpolation="nearest")
    ax.set_yticks(lines, rows)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _filled(images, length):
    """The row with white images at its end."""
    missing = [(0, length - len(images))] + [(0, 0)] * (images.ndim - 1)
    return np.pad(images, missing, constant_values=1.0)
