"""What several figures are drawn with."""

import matplotlib.pyplot as plt
import numpy as np

from keras_vat.plotting.palette import CATEGORIES, MARKERS

PAIR = ("VAT", "supervised")  # the two methods that most figures compare


def panels(count, width=4.4, height=3.3, **settings):
    return plt.subplots(1, count, figsize=(width * count, height), layout="constrained", **settings)


def lines(ax, at, named, **labels):
    """Curves over a hyper-parameter, on a logarithmic axis, with the spread of the seeds."""
    for index, (name, values) in enumerate(named.items()):
        values = np.reshape(values, (len(at), -1))
        style = {"color": CATEGORIES[index], "marker": MARKERS[index], "markersize": 4}
        spread = values.std(1, ddof=1) if values.shape[1] > 1 else None
        ax.errorbar(at, values.mean(1), spread, label=name, capsize=2, linewidth=1.6, **style)
    ax.set(xscale="log", xticks=at, xticklabels=[f"{value:g}" for value in at], **labels)
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.grid(color="#E0E0E0", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    if len(named) > 1:
        ax.legend(fontsize="small", frameon=False)
