import numpy as np

from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.palette import CATEGORIES


def plot_reconstruction_error(errors, bins=40, log_scale=False, ax=None):
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
    (2021), figure 8.
    """
    named = errors if isinstance(errors, dict) else {None: errors}
    named = {name: _checked(name, values) for name, values in named.items()}
    if not named:
        raise ValueError("`errors` must have at least one array. Received: errors={}")
    edges = _edges(np.concatenate(list(named.values())), bins, log_scale)
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    for index, (name, values) in enumerate(named.items()):
        color = CATEGORIES[index % len(CATEGORIES)]
        shares = np.full(len(values), 1.0 / len(values))
        values = np.clip(values, edges[0], edges[-1])
        ax.hist(values, edges, weights=shares, color=color, alpha=0.3)
        ax.hist(
            values, edges, weights=shares, color=color, label=name, histtype="step", linewidth=1.6
        )
    if log_scale:
        ax.set_xscale("log")
    ax.set_xlabel("‖x − Dec(Enc(x))‖₂")
    ax.set_ylabel("share of the images")
    ax.grid(color="#E0E0E0", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if any(name is not None for name in named):
        ax.legend(fontsize="small", frameon=False)
    return ax


def _checked(name, values):
    values = np.asarray(values, "float64")
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or values.min() < 0:
        label = "errors" if name is None else f"errors[{name!r}]"
        raise ValueError(
            "`errors` must hold one finite number of at least 0 for each image, shape `(n,)`. "
            f"Received: {label}={values!r}"
        )
    return values


def _edges(values, bins, log_scale):
    """Edges of the bins that hold all values."""
    if not log_scale:
        return np.linspace(0.0, values.max() or 1.0, bins + 1)
    positive = values[values > 0]
    if not len(positive):
        raise ValueError(
            "`log_scale` needs errors above 0. Received: log_scale=True and errors that are all 0"
        )
    low, high = positive.min(), positive.max()
    return np.geomspace(low, max(high, low * 1.01), bins + 1)
