from typing import Any

import numpy as np

from keras_vat import arguments
from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.palette import CATEGORIES, NEUTRAL


def plot_movement_field(field: Any, x: Any = None, max_arrows: int = 15, ax: Any = None) -> Any:
    """Draws a movement field as arrows on its lattice, over what it moves.

    All arrows have one scale: the longest is about as long as the distance between two arrows, so
    their lengths can be compared with each other but not with the lattice.

    Args:
        field: The movement of every position, `(height, width, 2)` in rows and columns, or
            `(length, 1)` for a signal: such as `VirtualMovementTraining.movement` finds, or a row
            of `movement_fields.ShiftField().basis(lattice)`.
        x: What it moves: an image, `(height, width)` or `(height, width, 1 or 3 channels)`, drawn
            by its own range; or a signal, `(length,)` or `(length, channels)`. `None` (default):
            the lattice alone.
        max_arrows: Number of arrows along the longer axis, at most. Defaults to `15`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If the field is no array, but a name or a `MovementField`.
        ValueError: If the field is not one of an image or of a signal, or `x` has another lattice.

    Example:

    ```python
    vmt = keras_vat.regularizers.VirtualMovementTraining("rotation")
    sensitivity, field = vmt.movement(classifier, x, y)["rotation"]
    keras_vat.plotting.plot_movement_field(field[0], x[0])
    ```

    Reference: "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous,
    2018), figure 1.
    """
    if not hasattr(field, "shape") and not isinstance(field, list):
        raise TypeError(
            "`field` must be an array with the movement of every position. That of a family is a "
            "row of its basis, as `keras_vat.movement_fields.ShiftField().basis(lattice)[0]`; that "
            "of a batch is the second of what `VirtualMovementTraining.movement` finds. "
            f"Received: field={field!r} (of type {type(field).__name__})"
        )
    field = np.asarray(field, "float64")
    if field.ndim not in (2, 3) or field.shape[-1] != field.ndim - 1:
        raise ValueError(
            "`field` must have shape (height, width, 2) or (length, 1): one example of a batch. "
            f"Received: field.shape={field.shape}"
        )
    lattice = field.shape[:-1]
    x = None if x is None else np.asarray(x, "float64")
    if x is not None and (x.shape[: len(lattice)] != lattice or x.ndim > len(lattice) + 1):
        raise ValueError(
            f"`x` must lie on the field's lattice {lattice}, with at most one axis of channels. "
            f"Received: x.shape={x.shape}"
        )
    max_arrows = arguments.whole_number("max_arrows", max_arrows, 1)
    gap = max(1, int(np.ceil(max(lattice) / max_arrows)))
    places = [np.arange((size - 1) % gap // 2, size, gap) for size in lattice]
    arrows = field[np.ix_(*places)]
    longest = max(np.linalg.norm(field, axis=-1).max(), 1e-12)
    style = {"color": CATEGORIES[1], "angles": "xy", "scale_units": "xy", "scale": longest / gap}
    draw = _draw_signal if len(lattice) == 1 else _draw_image
    ax = axes_or_new(ax, figsize=(6, 2.6) if len(lattice) == 1 else (4, 4))
    draw(ax, lattice, places, arrows, x, style)
    return ax


def _draw_image(ax, lattice, places, arrows, x, style):
    if x is not None:
        low, high = x.min(), max(x.max(), x.min() + 1e-12)
        image = (x - low) / (high - low)
        image = image.reshape(lattice) if x.size == np.prod(lattice) else image
        ax.imshow(image, cmap="gray", interpolation="nearest")
    columns, rows = np.meshgrid(places[1], places[0])
    ax.plot(columns, rows, ".", color=NEUTRAL, markersize=2)
    # Rows grow downwards, as in images.
    ax.quiver(columns, rows, arrows[..., 1], arrows[..., 0], pivot="mid", width=0.006, **style)
    ax.set(xlim=(-0.5, lattice[1] - 0.5), ylim=(lattice[0] - 0.5, -0.5), aspect="equal")
    ax.set(xlabel="column", ylabel="row")


def _draw_signal(ax, lattice, places, arrows, x, style):
    values = np.zeros(lattice) if x is None else x.reshape(*lattice, -1)[:, 0]
    ax.plot(values, color=CATEGORIES[0], linewidth=1)
    ax.quiver(
        places[0], values[places[0]], arrows[:, 0], 0 * arrows[:, 0], width=0.004, zorder=2, **style
    )
    ax.set(xlabel="position", ylabel="value" if x is not None else "")
    if x is None:
        ax.set_yticks([])
