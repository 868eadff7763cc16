from typing import Any

from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.histograms import check_values, draw_histograms


def plot_reconstruction_error(
    errors: Any, bins: int = 40, log_scale: bool = False, ax: Any = None
) -> Any:
    """Draws histograms of reconstruction errors: of one generator, or several to compare.

    All histograms have the same bins and show shares, so that sets of different size compare.
    Errors of a VAE and of a flow differ by orders of magnitude: use `log_scale` for these.

    Args:
        errors: What `reconstruction_error` returned, `(n,)`, or a dict of name to such an array,
            such as `{"SVHN": ..., "CIFAR-10": ...}`.
        bins: Number of bins. Defaults to `40`.
        log_scale: Whether the horizontal axis is logarithmic; errors of 0 are then drawn at the
            smallest one above. Defaults to `False`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        ValueError: If errors are not finite numbers of at least 0, one for each row.

    Example:

    ```python
    errors = {"VAE": np.random.gamma(9.0, 0.5, 500), "Glow": np.random.gamma(2.0, 0.1, 500)}
    keras_vat.plotting.plot_reconstruction_error(errors)
    ```

    Reference: Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
    (arXiv:2011.13181), figure 8.
    """
    named = check_values("errors", errors if isinstance(errors, dict) else {None: errors})
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    draw_histograms(ax, named, bins, log_scale)
    ax.set(xlabel="‖x − Dec(Enc(x))‖₂", ylabel="share of the images")
    return ax
