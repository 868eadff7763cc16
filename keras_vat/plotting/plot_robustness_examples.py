from typing import Any

import numpy as np

from keras_vat import arguments
from keras_vat.plotting.as_numbers import are_images
from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.check_curve import check_curve
from keras_vat.plotting.mosaic import mosaic


def plot_robustness_examples(
    curve: Any, source: str | None = None, max_images: int = 2, max_sizes: int = 8, ax: Any = None
) -> Any:
    """Draws images perturbed more and more, with what every classifier makes of them.

    One strip for each image; from left to right the perturbation grows. Below each image stands
    the class that each classifier sees in it, white on black where it is wrong.

    Args:
        curve: What `robustness_curve` returned, of images.
        source: Name of the classifier that the images were perturbed against. `None` (default):
            the first.
        max_images: Number of strips at most. Defaults to `2`.
        max_sizes: Number of sizes at most, evenly chosen. Defaults to `8`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If `curve` is none.
        ValueError: If there is no such classifier, or there are no examples of images.

    Example:

    ```python
    curve = keras_vat.evaluation.robustness_curve(
        {"VAT": model, "supervised": baseline}, x_test, y_test, epsilons=[0.1, 0.3, 1.0, 3.0])
    keras_vat.plotting.plot_robustness_examples(curve, source="VAT")
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), figure 6, bottom.
    """
    check_curve(curve)
    source = curve.names[0] if source is None else source
    if source not in curve.names:
        raise ValueError(
            f"`source` must be among the classifiers: {list(curve.names)}. "
            f"Received: source={source!r}"
        )
    shape = np.shape(curve.examples)[2:]
    if not are_images(shape):
        raise ValueError(
            "`curve` must hold examples of images, (shown, height, width) or (shown, height, "
            f"width, 1 or 3). Received: examples of shape {shape}"
        )
    max_images = arguments.whole_number("max_images", max_images, 1)
    max_sizes = arguments.whole_number("max_sizes", max_sizes, 1)
    i, shown = list(curve.names).index(source), min(max_images, shape[0])
    sizes = np.unique(np.linspace(0, len(curve.epsilons) - 1, max_sizes).round().astype(int))
    strips = _in_range(curve, i, sizes)[:shown]
    text = 0.36  # height of a line of text, in images
    strip = 1.0 + text * (len(curve.names) + 0.5)
    ax = axes_or_new(ax, figsize=(0.8 * len(sizes) + 1.5, 0.8 * (strip * shown + 0.4)))
    for image, row in enumerate(strips):
        top = image * strip
        for column, picture in enumerate(row):
            extent = (column - 0.47, column + 0.47, top + 0.94, top)
            ax.imshow(mosaic([picture[None]])[0], extent=extent, interpolation="nearest")
        for judge in range(len(curve.names)):
            line = top + 1.0 + text * (judge + 0.5)
            for column, size in enumerate(sizes):
                said = curve.predictions[i, judge, size, image]
                _write(ax, column, line, said, wrong=said != curve.labels[image])
    _label(ax, curve, sizes, [image * strip for image in range(shown)], text)
    return ax


def _write(ax, column, line, said, wrong):
    """A class; white on black where it is wrong, which is seen in print as well."""
    style = {"color": "black"}
    if wrong:
        box = {"boxstyle": "round,pad=0.15", "facecolor": "black", "edgecolor": "none"}
        style = {"color": "white", "bbox": box}
    ax.text(column, line, str(said), ha="center", va="center", fontsize="small", **style)


def _in_range(curve, i, sizes):
    """The images as `(shown, sizes, ...)`, brought to [0, 1] by the range of the clean ones."""
    low, high = curve.images.min(), max(curve.images.max(), curve.images.min() + 1e-6)
    low, high = (low, high) if low < 0.0 or high > 1.0 else (0.0, 1.0)
    return np.clip((curve.examples[i, sizes].swapaxes(0, 1) - low) / (high - low), 0.0, 1.0)


def _label(ax, curve, sizes, tops, text):
    ax.set_xlim(-0.55, len(sizes) - 0.45)
    ax.set_ylim(tops[-1] + 1.0 + text * len(curve.names), -0.05)
    ax.set_xticks(range(len(sizes)), [f"{curve.epsilons[size]:.2g}" for size in sizes])
    places = [top + 1.0 + text * (j + 0.5) for top in tops for j in range(len(curve.names))]
    ax.set_yticks(places, list(curve.names) * len(tops), fontsize="small")
    ax.set_xlabel("size ε of the perturbation", fontsize="small")
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0, labeltop=True, labelbottom=False, labelsize="small")
    ax.spines[:].set_visible(False)
    ax.set_aspect("equal")
