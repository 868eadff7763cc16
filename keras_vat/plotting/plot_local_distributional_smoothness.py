from typing import Any

from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.histograms import check_values, draw_histograms


def plot_local_distributional_smoothness(
    lds: Any, bins: int = 40, log_scale: bool = True, ax: Any = None
) -> Any:
    """Draws histograms of local distributional smoothness: of one classifier, or several.

    All histograms have the same bins and show shares. Smoothness spans orders of magnitude from
    the heart of a class to its edge, so the axis is logarithmic unless told otherwise. For curves
    over training see `SmoothnessMonitor` and `plot_training_curves`.

    Args:
        lds: What `local_distributional_smoothness` returned, `(n,)`, or a dictionary of name to
            such an array, such as `{"VAT": ..., "supervised": ...}`.
        bins: Number of bins. Defaults to `40`.
        log_scale: Whether the horizontal axis is logarithmic; zeros are then drawn at the smallest
            number above. Defaults to `True`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        ValueError: If the numbers are not finite and at least 0, one for each example.

    Example:

    ```python
    lds = {"VAT": np.random.gamma(0.5, 0.1, 500), "supervised": np.random.gamma(0.5, 1.0, 500)}
    keras_vat.plotting.plot_local_distributional_smoothness(lds)
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), equation 5.
    """
    named = check_values("lds", lds if isinstance(lds, dict) else {None: lds})
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    draw_histograms(ax, named, bins, log_scale)
    ax.set(xlabel="local distributional smoothness, nats", ylabel="share of the examples")
    return ax
