from typing import Any

import keras
import numpy as np

from keras_vat import arguments
from keras_vat.forward import Forward
from keras_vat.forward.perturbable import as_tensors
from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.palette import CATEGORIES, LOW_TO_HIGH, NEUTRAL

_MARKERS = "o^sDvPX*"  # one more than colours: a class has both in common with no other


def plot_decision_boundary(
    classifier: keras.Model,
    x: Any,
    y: Any = None,
    unlabeled: Any = None,
    smoothness: Any = None,
    ax: Any = None,
    resolution: int = 200,
    within: Any = None,
) -> Any:
    """Draws what a classifier of points in the plane says, and the points it learned from.

    The background has the colour of the most probable class and fades towards the boundary,
    where no class is more probable than another; a line marks it. With `smoothness`, LDS is drawn
    in its place: large along a boundary that runs through data, small where it runs between them.

    Args:
        classifier: Model of inputs `(batch, 2)` that ends in a softmax, a single sigmoid, or the
            logits of one; or a `VATModel`.
        x: Points, `(rows, 2)`.
        y: Labels of `x`, whole numbers, `(rows,)`; -1 marks an unlabelled row. `None` (default):
            all are unlabelled.
        unlabeled: More points without a label, `(rows, 2)`. Defaults to `None`.
        smoothness: LDS of each row of `x`, `(rows,)`, which then colours these points; or a
            function of points `(rows, 2)` that gives them, which then colours the background.
            Defaults to `None`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.
        resolution: Points of the grid per side. Defaults to `200`.
        within: Points `(rows, 2)` that the background reaches to as well; they are not drawn.
            Defaults to `None`.

    Returns:
        The matplotlib axes.

    Raises:
        ValueError: If the points are not in the plane, the numbers of rows differ, labels are not
            whole numbers, or the classifier does not choose between classes.

    Example:

    ```python
    x = np.random.normal(size=(200, 2)).astype("float32")
    y = np.where(np.arange(200) < 10, x[:, 0] > 0, -1)  # ten labels
    classifier = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    keras_vat.plotting.plot_decision_boundary(classifier, x, y)
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), figure 1.
    """
    resolution = arguments.whole_number("resolution", resolution, 2)
    x = _points("x", x)
    y = np.full(len(x), -1) if y is None else _classes(y)
    unlabeled = np.zeros((0, 2)) if unlabeled is None else _points("unlabeled", unlabeled)
    _check_rows("y", y, x)
    if smoothness is not None and not callable(smoothness):
        smoothness = np.asarray(smoothness)
        _check_rows("smoothness", smoothness, x)

    within = np.zeros((0, 2)) if within is None else _points("within", within)
    horizontal, vertical = _grid(np.concatenate([x, unlabeled, within]), resolution)
    grid = np.stack(np.meshgrid(horizontal, vertical), axis=-1).reshape(-1, 2).astype("float32")
    probabilities = _probabilities(classifier, grid)
    colors = _class_colors(max(probabilities.shape[1], int(y.max(initial=0)) + 1))

    ax = axes_or_new(ax, figsize=(5.5, 4.5))
    shape = (resolution, resolution)
    extent = (horizontal[0], horizontal[-1], vertical[0], vertical[-1])
    if smoothness is None:
        image = _faded(probabilities, colors).reshape(*shape, 3)
        ax.imshow(image, extent=extent, origin="lower", interpolation="bilinear")
    elif callable(smoothness):
        values = np.asarray(smoothness(grid)).reshape(shape)
        style = _smoothness_style(values)
        shown = ax.imshow(values, extent=extent, origin="lower", interpolation="bilinear", **style)
        _draw_colorbar(ax, shown)
    _draw_boundaries(ax, horizontal, vertical, probabilities.reshape(*shape, -1))

    without_label = np.concatenate([x[y < 0], unlabeled])
    if smoothness is not None and not callable(smoothness):
        ax.scatter(*unlabeled.T, s=8, color=NEUTRAL, linewidths=0)
        order = np.argsort(smoothness)  # the large ones on top
        style = _smoothness_style(smoothness)
        shown = ax.scatter(*x[order].T, c=smoothness[order], s=16, linewidths=0, **style)
        _draw_colorbar(ax, shown)
    elif len(without_label):
        ax.scatter(*without_label.T, s=6, color="#404040", linewidths=0, label="unlabelled")
    _draw_labeled(ax, x, y, colors)
    ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="best", fontsize="small", framealpha=0.9)
    return ax


def _points(name, points):
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(
            f"`{name}` must hold points of the plane, of shape (rows, 2). "
            f"Received: {name}.shape={points.shape}"
        )
    return points


def _classes(y):
    y = np.asarray(y).reshape(-1)
    if not arguments.are_whole(y):
        raise ValueError(
            "`y` must hold whole numbers, the classes, and -1 for rows without a label. "
            f"Received: y of dtype {y.dtype}, {y[:5]}"
        )
    return y.astype("int64")


def _check_rows(name, values, x):
    if values.shape != (len(x),):
        raise ValueError(
            f"`{name}` must have one value for each of the {len(x)} rows of `x`. "
            f"Received: {name}.shape={values.shape}"
        )


def _grid(points, resolution):
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * np.maximum(np.max(high - low), 1e-3)
    return np.linspace(low - margin, high + margin, resolution).T


def _probabilities(classifier, points):
    clean = Forward.of(classifier).clean(as_tensors(points))
    probabilities = np.asarray(clean.distribution.mean(clean.logits))
    one_sigmoid = clean.distribution.name == "bernoulli" and probabilities.shape[-1] == 1
    if probabilities.ndim != 2 or not (one_sigmoid or clean.distribution.name == "categorical"):
        raise ValueError(
            "`classifier` must choose one of several classes: a softmax or a single sigmoid. "
            f"Received: a {clean.distribution.name} output of shape {probabilities.shape}"
        )
    return np.concatenate([1 - probabilities, probabilities], -1) if one_sigmoid else probabilities


def _class_colors(num_classes):
    from matplotlib.colors import to_rgb

    return np.array([to_rgb(CATEGORIES[i % len(CATEGORIES)]) for i in range(num_classes)])


def _faded(probabilities, colors):
    """The winner's colour; white where all classes are alike, never as dark as the points."""
    chance = 1 / probabilities.shape[1]
    strength = 0.45 * (probabilities.max(axis=1, keepdims=True) - chance) / (1 - chance)
    return 1 - strength * (1 - colors[probabilities.argmax(axis=1)])


def _draw_boundaries(ax, horizontal, vertical, probabilities):
    num_classes = probabilities.shape[-1]
    for label in range(num_classes - 1 if num_classes == 2 else num_classes):
        others = np.delete(probabilities, label, axis=-1).max(axis=-1)
        margin = probabilities[..., label] - others
        if margin.min() < 0 < margin.max():
            ax.contour(horizontal, vertical, margin, levels=[0], colors="black", linewidths=1.2)


def _draw_labeled(ax, x, y, colors):
    size, edge = (60, 0.7) if np.sum(y >= 0) <= 100 else (20, 0.4)
    for label in np.unique(y[y >= 0]):
        style = {"marker": _MARKERS[label % len(_MARKERS)], "color": colors[label][None]}
        points = x[y == label]
        ax.scatter(
            *points.T, s=size, edgecolors="white", linewidths=edge, label=f"class {label}", **style
        )


def _draw_colorbar(ax, shown):
    """A bar as high as the axes, whatever their aspect."""
    ax.figure.colorbar(shown, cax=ax.inset_axes([1.03, 0.0, 0.04, 1.0]), label="LDS")


def _smoothness_style(values):
    from matplotlib.colors import LinearSegmentedColormap

    return {
        "cmap": LinearSegmentedColormap.from_list("low_to_high", LOW_TO_HIGH),
        "vmin": 0.0,
        "vmax": max(float(np.max(values)), 1e-12),
    }
