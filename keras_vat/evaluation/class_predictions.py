"""One class for each row: what a classifier says, and what the labels say."""

import math

import numpy as np
from keras import ops

from keras_vat import arguments


def class_predictions(logits, distribution):
    """The most probable class of every row, integers `(batch,)`.

    Raises:
        ValueError: If the output is not one class for each row.
    """
    count_classes(logits, distribution)
    if distribution.name == "categorical":
        return ops.argmax(logits, axis=-1)
    return ops.cast(ops.reshape(logits, (-1,)) > 0, "int32")


def count_classes(logits, distribution):
    """The number of classes that an output tells apart.

    Raises:
        ValueError: If the output is not one class for each row.
    """
    if distribution.name == "categorical" and len(logits.shape) == 2:
        return logits.shape[-1]
    if distribution.name == "bernoulli" and math.prod(logits.shape[1:]) == 1:
        return 2
    raise ValueError(
        "`classifier` must say one class for each row: an output `(batch, classes)` of a softmax, "
        f"or `(batch, 1)` of a sigmoid. Received: a {distribution.name} output of shape "
        f"{tuple(logits.shape)}"
    )


def class_labels(y):
    """Labels as class numbers, NumPy integers `(batch,)`, from class numbers or one-hot rows.

    Raises:
        ValueError: If they are neither.
    """
    y = ops.convert_to_numpy(y)
    if y.ndim == 2:
        y = y[:, 0] if y.shape[1] == 1 else np.argmax(y, axis=-1)
    if y.ndim != 1 or not arguments.are_whole(y):
        raise ValueError(
            "`y` must be class numbers `(batch,)`, whole ones, or one-hot rows `(batch, classes)`. "
            f"Received: y.shape={y.shape}, y.dtype={y.dtype}"
        )
    return y.astype("int64")


def check_labels(y, num_classes):
    """Raises for labels that are no classes of a classifier: each would count as an error."""
    if len(y.shape) == 2 and y.shape[1] not in (1, num_classes):
        raise ValueError(
            f"`y` must be class numbers, or one-hot rows of the classifier's {num_classes} "
            f"classes. Received: y.shape={tuple(y.shape)}"
        )
    labels = class_labels(y)
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"`y` must hold classes of the classifier, from 0 to {num_classes - 1}; leave rows "
            f"without a label out. Received: y with values from {labels.min()} to {labels.max()}"
        )
