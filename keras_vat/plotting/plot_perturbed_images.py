from typing import Any

import numpy as np

from keras_vat import arguments
from keras_vat.plotting.as_numbers import as_images
from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.mosaic import mosaic


def plot_perturbed_images(
    x: Any,
    perturbed: Any,
    labels: Any = None,
    magnification: float | None = None,
    max_images: int = 10,
    ax: Any = None,
) -> Any:
    """Draws images, what a perturbation changed in them, and the perturbed images, row by row.

    The middle row is mid-grey where nothing changed, brighter where the perturbation adds. It works
    for perturbations of any kind, in the input space or a latent one: only images are compared.

    Formula:

        middle row = 1/2 + magnification * (perturbed - x)      (for images in [0, 1])

    Args:
        x: Images, `(rows, height, width)` or `(rows, height, width, channels)` with 1 or 3
            channels. Images outside [0, 1] are brought there by their common range.
        perturbed: Perturbed images, shaped like `x`, on the same scale.
        labels: Text above each column, such as `"7 > 1"`, one for each row of `x`. Defaults to
            `None`.
        magnification: Factor on the perturbation. `None` (default): 1, 2, 5, 10, 20, ..., the
            largest that leaves it in range.
        max_images: Number of images that are drawn at most. Defaults to `10`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If `x` or `perturbed` is no array of numbers.
        ValueError: If the shapes differ or are not those of images, numbers are not finite, or
            `labels` are too few.

    Example:

    ```python
    x = np.random.uniform(size=(6, 28, 28))
    perturbed = x + 0.05 * np.random.normal(size=x.shape)
    keras_vat.plotting.plot_perturbed_images(x, perturbed, labels=range(6))
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), figure 5.
    """
    max_images = arguments.whole_number("max_images", max_images, 1)
    x, perturbed = as_images("x", x), as_images("perturbed", perturbed)
    for name, images in (("x", x), ("perturbed", perturbed)):
        if not np.isfinite(images).all():
            raise ValueError(
                f"`{name}` must be finite. Received: {name} with NaN or infinite numbers"
            )
    if x.shape != perturbed.shape:
        raise ValueError(
            "`perturbed` must have the shape of `x`. "
            f"Received: x.shape={x.shape}, perturbed.shape={perturbed.shape}"
        )
    labels = None if labels is None else [str(label) for label in labels]
    if labels is not None and len(labels) != len(x):
        raise ValueError(
            f"`labels` must have one text for each of the {len(x)} images. "
            f"Received: {len(labels)} labels"
        )
    low, high = min(x.min(), 0.0), max(x.max(), 1.0)
    if x.min() < 0.0 or x.max() > 1.0:
        low, high = x.min(), x.max()
    x = (x[:max_images] - low) / (high - low)
    difference = (perturbed[:max_images] - low) / (high - low) - x
    if magnification is None:
        magnification = _round_magnification(np.abs(difference).max())
    magnification = arguments.positive("magnification", magnification)

    rows = (x, 0.5 + magnification * difference, x + difference)
    picture, columns, lines = mosaic([np.clip(row, 0.0, 1.0) for row in rows])
    ax = axes_or_new(ax, figsize=(1.0 * len(x) + 1.6, 3.3))
    ax.imshow(picture, interpolation="nearest")
    names = ("original", f"perturbation\n× {magnification:g}", "perturbed")
    ax.set_yticks(lines, names)
    ax.set_xticks(columns, labels[:max_images] if labels else [""] * len(columns))
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    return ax


def _round_magnification(largest):
    """The largest of 1, 2, 5, 10, 20, 50, ... that keeps 1/2 + m * difference in [0, 1]."""
    if largest * 2 >= 0.5:
        return 1
    if largest == 0.0:
        return 1
    wanted = 0.5 / largest
    power = 10 ** np.floor(np.log10(wanted))
    return int(power * max(step for step in (1, 2, 5) if step * power <= wanted))
