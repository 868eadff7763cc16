import itertools
from typing import Any

import numpy as np

from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.check_curve import check_curve
from keras_vat.plotting.palette import CATEGORIES, DASHES, MARKERS, NEUTRAL


def plot_robustness_curve(curve: Any, source: str | None = None, ax: Any = None) -> Any:
    """Draws the errors of classifiers on perturbed images over the size of the perturbation.

    The colour says which classifier judges; the dashes say whose examples it judges; above them
    stands which images count. A robust classifier's curve rises late: far to the right of the
    sizes that people don't notice.

    Args:
        curve: What `robustness_curve` returned.
        source: Name of the classifier whose examples are judged, as in one panel of the paper's
            figure. `None` (default): those of all classifiers.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If `curve` is none.
        ValueError: If there is no such classifier.

    Example:

    ```python
    curve = keras_vat.evaluation.robustness_curve(
        {"VAT": model, "supervised": baseline}, x_test, y_test, epsilons=[0.1, 0.3, 1.0, 3.0])
    keras_vat.plotting.plot_robustness_curve(curve, source="VAT")
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), figure 6, A and B.
    """
    check_curve(curve)
    sources = list(curve.names) if source is None else [source]
    if source is not None and source not in curve.names:
        raise ValueError(
            f"`source` must be among the classifiers: {list(curve.names)}. "
            f"Received: source={source!r}"
        )
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    for name, dashes in zip(sources, itertools.cycle(DASHES), strict=False):
        i = list(curve.names).index(name)
        for j, judge in enumerate(curve.names):
            ax.plot(
                curve.epsilons,
                100 * np.asarray(curve.errors[i, j]),
                color=CATEGORIES[j % len(CATEGORIES)],
                linestyle=dashes,
                marker=MARKERS[j % len(MARKERS)],
                markersize=3.5,
                linewidth=1.6,
                label=f"classified by {judge}" if name == sources[0] else None,
            )
    if len(sources) > 1:
        for name, dashes in zip(sources, itertools.cycle(DASHES), strict=False):
            ax.plot([], [], color=NEUTRAL, linestyle=dashes, label=f"examples of {name}")
    if curve.epsilons[0] > 0 and curve.epsilons[-1] > 10 * curve.epsilons[0]:
        ax.set_xscale("log")
    ax.set(xlabel="size ε of the perturbation", ylabel="misclassified, %", ylim=(-3, 103))
    ax.grid(color="#E0E0E0", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(title=f"of {curve.counted}", fontsize="small", title_fontsize="small", frameon=False)
    return ax
