from typing import Any

import keras
import numpy as np

from keras_vat import arguments
from keras_vat.plotting.as_numbers import are_images, as_numbers
from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.mosaic import mosaic
from keras_vat.plotting.palette import NEUTRAL
from keras_vat.plotting.plot_decision_boundary import plot_decision_boundary


def plot_bad_samples(
    x: Any,
    bad: Any,
    kept: Any = None,
    classifier: keras.Model | None = None,
    y: Any = None,
    max_images: int = 10,
    ax: Any = None,
) -> Any:
    """Draws bad samples: points over the decision regions, or images below their originals.

    Good bad samples lie between the classes: points along the boundary in the gap of the data,
    images that mix two classes.

    Args:
        x: The examples: points, `(rows, 2)`, or images, `(rows, height, width)` or `(rows, height,
            width, 1 or 3 channels)`.
        bad: Their bad samples, shaped like `x`, as `FastAdversarialTraining.bad_samples` finds
            them; for images also a dictionary of several, such as `{"VAT": ...,
            "supervised": ...}`, one row for each.
        kept: Of which bad samples the classifier is unsure, booleans `(rows,)`; of points the
            others are drawn pale. `None` (default): all. Without effect for images.
        classifier: For points: the model whose regions are drawn. `None` (default): none are.
        y: For points: labels of `x`, -1 for unlabelled ones. Defaults to `None`.
        max_images: Number of images that are drawn at most. Defaults to `10`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If `bad` is the pair that `bad_samples` returns, or no array of numbers.
        ValueError: If the shapes differ or are neither those of points nor of images.

    Example:

    ```python
    bad, kept = fat.bad_samples(classifier, x)
    keras_vat.plotting.plot_bad_samples(x, bad, kept, classifier)
    ```

    Reference: Kim et al., "Understanding and Improving Virtual Adversarial Training"
    (arXiv:1909.06737), figures 1, 5, 6 and 7.
    """
    max_images = arguments.whole_number("max_images", max_images, 1)
    named = bad if isinstance(bad, dict) else {"bad sample": bad}
    if not named or any(isinstance(samples, tuple) for samples in named.values()):
        raise TypeError(
            "`bad` must be one array, or a dictionary of such. Unpack what `bad_samples` returns: "
            "`bad, kept = fat.bad_samples(classifier, x)`. "
            f"Received: {type(bad).__name__} of {len(bad)}"
        )
    x = as_numbers("x", x)
    rows = {name: as_numbers("bad", samples) for name, samples in named.items()}
    for samples in rows.values():
        if samples.shape != x.shape:
            raise ValueError(
                "`bad` must have the shape of `x`. "
                f"Received: x.shape={x.shape}, bad.shape={samples.shape}"
            )
    if x.ndim == 2 and x.shape[1] == 2:
        if isinstance(bad, dict):
            raise ValueError(
                "`bad` must be one array for points; draw several beside each other, each on axes "
                f"of its own. Received: a dictionary of {len(rows)}"
            )
        return _draw_points(x, rows["bad sample"], kept, classifier, y, ax)
    if are_images(x.shape):
        return _draw_images(x[:max_images], rows, ax)
    raise ValueError(
        "`x` must hold points `(rows, 2)` or images `(rows, height, width)` or `(rows, height, "
        f"width, 1 or 3)`. Received: x.shape={x.shape}"
    )


def _draw_points(x, bad, kept, classifier, y, ax):
    kept = np.ones(len(x), bool) if kept is None else np.asarray(kept, bool).reshape(-1)
    if kept.shape != (len(x),):
        raise ValueError(
            f"`kept` must have one entry for each of the {len(x)} rows of `x`. "
            f"Received: kept.shape={kept.shape}"
        )
    if classifier is not None:
        ax = plot_decision_boundary(classifier, x, y, ax=ax, within=bad)
    else:
        ax = axes_or_new(ax, figsize=(5.5, 4.5))
        ax.scatter(*x.T, s=6, color="#404040", linewidths=0, label="example")
        ax.set_aspect("equal")
    style = {"marker": "x", "s": 18, "linewidths": 1.0}
    if not kept.all():
        ax.scatter(*bad[~kept].T, color=NEUTRAL, alpha=0.6, label="bad sample, left out", **style)
    ax.scatter(*bad[kept].T, color="black", label="bad sample", **style)
    ax.legend(loc="best", fontsize="small", framealpha=0.9)
    return ax


def _draw_images(x, rows, ax):
    low, high = min(x.min(), 0.0), max(x.max(), 1.0)
    if x.min() < 0.0 or x.max() > 1.0:
        low, high = x.min(), max(x.max(), x.min() + 1e-6)
    shown = [x, *(samples[: len(x)] for samples in rows.values())]
    picture, _, lines = mosaic([np.clip((row - low) / (high - low), 0, 1) for row in shown])
    ax = axes_or_new(ax, figsize=(1.0 * len(x) + 1.6, 1.1 * len(shown)))
    ax.imshow(picture, interpolation="nearest")
    ax.set_yticks(lines, ["original", *rows])
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
