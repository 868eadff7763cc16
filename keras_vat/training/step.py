"""What one training step computes before the gradient."""

from typing import NamedTuple

from keras import ops


class Step(NamedTuple):
    """What one training step computes before the gradient.

    Attributes:
        x: The labelled inputs.
        y_pred: The classifier's outputs for them.
        supervised_loss: The compiled loss and the layers' losses.
        penalties: One for each regularizer, unweighted.
        rows: Over how many rows each of these is a mean.
        moved: Pairs of a variable of the classifier and its number after the step.
        notes: What regularizers count, by the name of the metric.
        tracked: Where steps may be skipped, pairs of a variable that the compiled loss has moved
            and its number before.
    """

    x: object
    y_pred: object
    supervised_loss: object
    penalties: list
    rows: list
    moved: list
    notes: dict
    tracked: list


def count_true(counts):
    """How many booleans are true, a scalar tensor."""
    return ops.sum(ops.cast(counts, "int32"))


def mean_over(rows, compute):
    """A mean over rows, by a function of no arguments; 0, not NaN, where there are none."""
    if isinstance(rows, int):
        return compute() if rows else ops.zeros(())
    mean = compute()
    return ops.where(rows > 0, mean, ops.zeros_like(mean))
