from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.palette import CATEGORIES, MARKERS

_VALIDATION = "val_"
_MOST_MARKERS = 20


def plot_training_curves(history, names=None, log_scale=False, ax=None):
    """Draws what `fit` logged, one line per name; validation is dashed, in the colour of its kin.

    A healthy run of virtual adversarial training shows the supervised loss fall while the
    regularizer's penalty first rises with the classifier's confidence, then falls slowly. A penalty
    that stays near 0 means that epsilon is too small or the prediction constant.

    Args:
        history: What `fit` returned, or its `history`: a dict of name to one number per epoch.
        names: Names to draw, such as `["supervised_loss", "vat"]`; `val_<name>` comes with
            them where it was logged. `None` (default): everything that was logged.
        log_scale: Whether the vertical axis is logarithmic. Defaults to `False`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If `history` is neither.
        ValueError: If a name was not logged, or nothing was.

    Example:

    ```python
    history = {"supervised_loss": [0.7, 0.4, 0.3], "vat": [0.1, 0.3, 0.2]}
    keras_vat.plotting.plot_training_curves(history)
    ```
    """
    logged = getattr(history, "history", history)
    if not isinstance(logged, dict):
        raise TypeError(
            "`history` must be what `fit` returned, or its `history`. "
            f"Received: history={history!r} (of type {type(history).__name__})"
        )
    if names is None:
        names = list(dict.fromkeys(name.removeprefix(_VALIDATION) for name in logged))
    elif isinstance(names, str):
        names = [names]
    unknown = [name for name in names if not {name, _VALIDATION + name} & set(logged)]
    if unknown or not names:
        raise ValueError(
            f"`names` must be among what was logged: {list(logged)}. Received: names={names}"
        )
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    for index, name in enumerate(names):
        style = {
            "color": CATEGORIES[index % len(CATEGORIES)],
            "marker": MARKERS[index % len(MARKERS)],
        }
        _draw(ax, logged, name, linestyle="-", **style)
        _draw(ax, logged, _VALIDATION + name, linestyle="--", **style)
    if log_scale:
        ax.set_yscale("log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("epoch")
    ax.grid(color="#E0E0E0", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize="small", frameon=False)
    return ax


def _draw(ax, logged, name, **style):
    if name in logged:
        values = logged[name]
        every = -(-len(values) // _MOST_MARKERS)
        style = {"markevery": every, "markersize": 3.5, "linewidth": 1.6, **style}
        ax.plot(range(1, len(values) + 1), values, label=name, **style)
