from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_vat import arguments
from keras_vat.plotting.as_numbers import as_numbers
from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.palette import CATEGORIES, MARKERS

_VALIDATION = "val_"
_MOST_MARKERS = 20


def plot_training_curves(
    history: Any,
    names: Sequence[str] | None = None,
    log_scale: bool = False,
    ax: Any = None,
    every: int | None = None,
) -> Any:
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
        every: For names that were not logged in each epoch, because of `validation_freq` or a
            monitor's `every`: the epochs from one number to the next. A whole number for all of
            them, or a dictionary of names to such; 1 for a run that is shorter than others.
            `None` (default): there are none.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If `history` is neither.
        ValueError: If a name was not logged, or nothing was, or fewer numbers than for others
            and `every` doesn't say when.

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
    if not logged or not all(isinstance(name, str) for name in logged):
        raise ValueError(
            "`history` must have one list of numbers at least, under its name. "
            f"Received: history={logged!r}"
        )
    logged = {name: as_numbers("history", values) for name, values in logged.items()}
    if any(values.ndim != 1 for values in logged.values()):
        shapes = {name: values.shape for name, values in logged.items()}
        raise ValueError(
            f"`history` must have one number per epoch. Received: arrays of shapes {shapes}"
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
    styles = {}
    for index, name in enumerate(names):
        style = {
            "color": CATEGORIES[index % len(CATEGORIES)],
            "marker": MARKERS[index % len(MARKERS)],
        }
        styles[name] = {"linestyle": "-", **style}
        styles[_VALIDATION + name] = {"linestyle": "--", **style}
    epochs = max(map(len, logged.values()))
    drawn = {name: _epochs(name, logged[name], epochs, every) for name in styles if name in logged}
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    for name, at in drawn.items():
        markers = {"markevery": -(-len(at) // _MOST_MARKERS), "markersize": 3.5}
        ax.plot(at, logged[name], label=name, linewidth=1.6, **markers, **styles[name])
    if log_scale:
        ax.set_yscale("log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("epoch")
    ax.grid(color="#E0E0E0", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize="small", frameon=False)
    return ax


def _epochs(name, values, epochs, every):
    """The epochs that the numbers of one name belong to."""
    if len(values) == epochs:
        return np.arange(1, epochs + 1)
    gap = every.get(name) if isinstance(every, dict) else every
    if gap is None:
        raise ValueError(
            f"`every` must say how many epochs lie between two numbers of {name!r}, as "
            f"every={{{name!r}: 5}}; 1 if it ends earlier than others. "
            f"Received: every={every}, {len(values)} numbers of {name!r} and {epochs} of others"
        )
    return arguments.whole_number("every", gap, 1) * np.arange(1, len(values) + 1)
