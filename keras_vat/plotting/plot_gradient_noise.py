from typing import Any

import numpy as np

from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.palette import CATEGORIES, MARKERS

_MEANINGS = {0: "K = 0 (random)", 1: "K = 1 (virtual adversarial)"}


def plot_gradient_noise(noise: Any, at: Any = None, unit: str = "epoch", ax: Any = None) -> Any:
    """Draws the normalised standard-deviation norm of gradients: bars, or curves over training.

    The lower, the more the mini-batches agree on where to go. Infinite noise is no bar, but said;
    a curve has a gap there.

    Args:
        noise: What `gradient_noise` returned: bars; or a list of such, measured one after the
            other while a model trained: curves.
        at: When each of them was measured, ascending numbers. `None` (default): 1, 2, 3, ...
        unit: What `at` counts. Defaults to `"epoch"`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        ValueError: If the measurements are not of the same penalties, or `at` has another length
            or does not ascend.

    Example:

    ```python
    noise = [{0: 3.1, 1: 1.2}, {0: 2.8, 1: 1.0}, {0: 2.6, 1: 0.9}]
    keras_vat.plotting.plot_gradient_noise(noise, at=[0, 100, 200], unit="update")
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), figure 7.
    """
    series = noise if isinstance(noise, (list, tuple)) else [noise]
    if (
        not all(isinstance(measured, dict) and measured for measured in series)
        or len({tuple(measured) for measured in series}) != 1
    ):
        raise ValueError(
            "`noise` must be what `gradient_noise` returned, or a list of such with the same keys. "
            f"Received: noise={noise!r}"
        )
    if any(np.ndim(value) for measured in series for value in measured.values()):
        raise ValueError(
            "`noise` must have one number for each penalty; measured one after the other, give a "
            f"list of dictionaries. Received: noise={noise!r}"
        )
    at = range(1, len(series) + 1) if at is None else list(at)
    if len(at) != len(series) or np.any(np.diff(at) <= 0):
        raise ValueError(
            f"`at` must have one number for each of the {len(series)} measurements, ascending. "
            f"Received: at={at}"
        )
    values = {_named(key): [measured[key] for measured in series] for key in series[0]}
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    colors = [CATEGORIES[index % len(CATEGORIES)] for index in range(len(values))]
    if isinstance(noise, dict):
        heights = np.ravel(list(values.values()))
        bars = ax.bar(list(values), np.where(np.isinf(heights), 0.0, heights), 0.6, color=colors)
        texts = ["∞" if np.isinf(height) else f"{height:.3g}" for height in heights]
        ax.bar_label(bars, texts, padding=2)
    else:
        for index, (name, curve) in enumerate(values.items()):
            style = {"color": colors[index], "marker": MARKERS[index % len(MARKERS)]}
            ax.plot(at, curve, markersize=3.5, linewidth=1.6, label=name, **style)
        ax.set_xlabel(unit)
        ax.legend(fontsize="small", frameon=False)
    ax.set_ylabel("normalised SD norm of the gradient")
    ax.set_ylim(bottom=0)
    ax.grid(color="#E0E0E0", linewidth=0.6, axis="y" if isinstance(noise, dict) else "both")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _named(key):
    return key if isinstance(key, str) else _MEANINGS.get(key, f"K = {key}")
