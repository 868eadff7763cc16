"""Histograms of several arrays over each other, of shares, with the same bins."""

import numpy as np

from keras_vat import arguments
from keras_vat.plotting.as_numbers import as_numbers
from keras_vat.plotting.palette import CATEGORIES, DASHES

_ROUNDING = 1e-5


def draw_histograms(ax, named, bins, log_scale):
    """Draws them on the axes, with a legend where there are names.

    Args:
        ax: Matplotlib axes.
        named: Dictionary of name (`None`: no legend) to `(n,)` numbers of at least 0.
        bins: Number of bins.
        log_scale: Whether the horizontal axis is logarithmic; zeros are then drawn at the
            smallest number above.
    """
    bins = arguments.whole_number("bins", bins, 1)
    edges = _edges(np.concatenate(list(named.values())), bins, log_scale)
    for index, (name, values) in enumerate(named.items()):
        color = CATEGORIES[index % len(CATEGORIES)]
        shares = np.full(len(values), 1.0 / len(values))
        values = np.clip(values, edges[0], edges[-1])
        ax.hist(values, edges, weights=shares, color=color, alpha=0.3)
        outline = {"histtype": "step", "linewidth": 1.6, "linestyle": DASHES[index % len(DASHES)]}
        ax.hist(values, edges, weights=shares, color=color, label=name, **outline)
    if log_scale:
        ax.set_xscale("log")
    ax.grid(color="#E0E0E0", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if any(name is not None for name in named):
        ax.legend(fontsize="small", frameon=False)


def check_values(argument, named):
    """The arrays as float64; raises unless they are finite, of at least 0 and not empty.

    Divergences of equal outputs may come out a little below 0 by rounding: these become 0.
    """
    if not named:
        raise ValueError(f"`{argument}` must have at least one array. Received: {argument}={named}")
    checked = {}
    for name, values in named.items():
        values = as_numbers(argument, values)
        checked[name] = np.maximum(values, 0.0)
        finite = values.ndim == 1 and len(values) and np.isfinite(values).all()
        if not finite or values.min() < -_ROUNDING:
            label = argument if name is None else f"{argument}[{name!r}]"
            raise ValueError(
                f"`{argument}` must hold one finite number of at least 0 for each example, shape "
                f"`(n,)`. Received: {label}={values!r}"
            )
    return checked


def _edges(values, bins, log_scale):
    """Edges of the bins that hold all values."""
    low, high = values.min(), values.max()
    if not log_scale:
        return np.linspace(0.0, high or 1.0, bins + 1)
    positive = values[values > 0]
    if not len(positive):
        raise ValueError(
            "`log_scale` needs numbers above 0. Received: log_scale=True and numbers that are all 0"
        )
    low = positive.min()
    return np.geomspace(low, max(high, low * 1.01), bins + 1)
