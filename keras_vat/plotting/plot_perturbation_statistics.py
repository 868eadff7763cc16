from typing import Any

from keras_vat import arguments
from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.histograms import check_values, draw_histograms

_LABELS = {
    "consistency_cost": r"consistency cost $KL(p(y\,|\,x)\;\|\;p(y\,|\,x_{adv}))$, nats",
    "distance": r"distance $\|x - x_{adv}\|_2$",
}


def plot_perturbation_statistics(
    statistics: Any,
    quantity: str = "consistency_cost",
    bins: int = 40,
    log_scale: bool = False,
    ax: Any = None,
) -> Any:
    """Draws histograms of what perturbations do: how adverse they are, or how far they move.

    All histograms have the same bins and show shares, so that sets of different size compare.

    Args:
        statistics: What `perturbation_statistics` returned, or a dictionary of name to
            `PerturbationStatistics` of several such, such as `{"SVHN": svhn["LVAT"],
            "CIFAR-10": cifar10["LVAT"]}`.
        quantity: `"consistency_cost"` (default), the paper's figure 5, or `"distance"`, figure 6.
        bins: Number of bins. Defaults to `40`.
        log_scale: Whether the horizontal axis is logarithmic; zeros are then drawn at the smallest
            number above. Defaults to `False`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If `statistics` is neither.
        ValueError: If `quantity` is unknown, or numbers are missing or not finite.

    Example:

    ```python
    statistics = keras_vat.evaluation.perturbation_statistics(
        model, x_test, {"VAT": vat_perturbation, "LVAT": lvat_perturbation})
    keras_vat.plotting.plot_perturbation_statistics(statistics, "distance")
    ```

    Reference: Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
    (arXiv:2011.13181), figures 5 and 6.
    """
    arguments.one_of("quantity", quantity, tuple(_LABELS))
    if not isinstance(statistics, dict) or not all(
        hasattr(measured, quantity) for measured in statistics.values()
    ):
        raise TypeError(
            "`statistics` must be what `perturbation_statistics` returned. "
            f"Received: statistics={statistics!r}"
        )
    named = {name: getattr(measured, quantity) for name, measured in statistics.items()}
    named = check_values("statistics", named)
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    draw_histograms(ax, named, bins, log_scale)
    ax.set(xlabel=_LABELS[quantity], ylabel="share of the examples")
    return ax
