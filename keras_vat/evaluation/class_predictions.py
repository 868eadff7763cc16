"""One class for each row: what a classifier says, and what the labels say."""

import numpy as np
from keras import ops


def class_predictions(logits, distribution):
    """The most probable class of every row, NumPy integers `(batch,)`.

    Raises:
        ValueError: If the output is not one class for each row.
    """
    logits = ops.convert_to_numpy(logits)
    if distribution.name == "categorical" and logits.ndim == 2:
        return np.argmax(logits, axis=-1)
    if distribution.name == "bernoulli" and logits.size == len(logits):
        return (logits.reshape(-1) > 0).astype("int64")
    raise ValueError(
        "`classifier` must say one class for each row: an output `(batch, classes)` of a softmax, "
        f"or `(batch, 1)` of a sigmoid. Received: a {distribution.name} output of shape "
        f"{logits.shape}"
    )


def class_labels(y):
    """Labels as class numbers, NumPy integers `(batch,)`, from class numbers or one-hot rows."""
    y = ops.convert_to_numpy(y)
    if y.ndim == 2:
        y = y[:, 0] if y.shape[1] == 1 else np.argmax(y, axis=-1)
    if y.ndim != 1:
        raise ValueError(
            "`y` must be class numbers `(batch,)` or one-hot rows `(batch, classes)`. "
            f"Received: y.shape={y.shape}"
        )
    return y.astype("int64")
