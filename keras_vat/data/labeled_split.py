"""Which rows keep their labels in a semi-supervised experiment."""

from typing import Any

import numpy as np

from keras_vat import arguments


def labeled_split(y: Any, num_labels: int, seed: int = 0, balanced: bool = True) -> np.ndarray:
    """Draws the rows that keep their labels.

    The same arguments give the same rows everywhere: the draw is NumPy's, not the backend's.

    Args:
        y: Labels, `(rows,)` integers or `(rows, classes)` one-hot. Rows whose label is -1 have
            none, and are never drawn.
        num_labels: How many rows to draw.
        seed: Integer, or a `numpy.random.Generator`. Defaults to `0`.
        balanced: `True` (default): equally many of each class; if `num_labels` is no multiple of
            the number of classes, classes drawn at random get one more. `False`: rows are drawn
            regardless of class.

    Returns:
        Indices into `y`, `(num_labels,)` of `int64`, without repetition, in random order.

    Raises:
        TypeError: If labels are no whole numbers, or an argument is of the wrong type.
        ValueError: If there are fewer labels than `num_labels`, in all or of one class, or
            `num_labels` is smaller than the number of classes and `balanced`.

    Example:

    ```python
    import numpy as np
    from keras_vat.data import labeled_split

    y = np.repeat([0, 1, 2], 100)
    rows = labeled_split(y, num_labels=12)
    print(np.bincount(y[rows]))  # [4 4 4]
    ```
    """
    num_labels = arguments.whole_number("num_labels", num_labels, 1)
    y = _class_numbers(y)
    arguments.boolean("balanced", balanced)
    if not isinstance(seed, np.random.Generator):
        seed = arguments.whole_number("seed", seed, 0)
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(y >= 0)
    if num_labels > len(rows):
        raise ValueError(
            f"`num_labels` must be at most the number of labels in `y`, {len(rows)}. "
            f"Received: num_labels={num_labels}"
        )
    if not balanced:
        return rng.choice(rows, num_labels, replace=False).astype("int64")

    classes = np.unique(y[rows])
    if num_labels < len(classes):
        raise ValueError(
            f"`num_labels` must be at least the number of classes, {len(classes)}, when "
            f"`balanced=True`. Received: num_labels={num_labels}"
        )
    quotas = np.full(len(classes), num_labels // len(classes))
    quotas[rng.permutation(len(classes))[: num_labels % len(classes)]] += 1
    chosen = []
    for label, quota in zip(classes, quotas, strict=True):
        members = np.flatnonzero(y == label)
        if quota > len(members):
            raise ValueError(
                f"`num_labels` asks for {quota} rows of class {label}, which has {len(members)}. "
                f"Received: num_labels={num_labels}. Pass fewer, or `balanced=False`."
            )
        chosen.append(rng.choice(members, quota, replace=False))
    return rng.permutation(np.concatenate(chosen)).astype("int64")


def _class_numbers(y):
    y = np.asarray(y)
    if not arguments.are_whole(y):
        raise TypeError(
            "`y` must be class numbers or one-hot rows; make numbers of names by "
            "`np.unique(y, return_inverse=True)`. "
            f"Received: y of dtype {y.dtype}{', not whole' if y.dtype.kind == 'f' else ''}"
        )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2:
        return np.where((y == -1).all(axis=1), -1, y.argmax(axis=1))
    if y.ndim != 1:
        raise ValueError(
            "`y` must be labels of shape (rows,) or one-hot of shape (rows, classes). "
            f"Received: y with shape {y.shape}"
        )
    return y
