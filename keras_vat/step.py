"""What one training step computes before the gradient."""

from typing import NamedTuple

from keras import ops, tree

# Of the total, only the gradient can be what is left, when all its parts are finite.
_MEANINGS = {"supervised_loss": "supervised loss", "loss": "gradient of the loss"}


class Step(NamedTuple):
    """What one training step computes before the gradient."""

    x: object
    y_pred: object
    supervised_loss: object
    penalties: list
    rows: list


def count_rows(x):
    """Number of rows of a batch: an integer, or a tensor where it is unknown."""
    return ops.shape(tree.flatten(x)[0])[0]


def mean_over(rows, compute):
    """A mean over rows, by a function of no arguments; 0, not NaN, where there are none."""
    if isinstance(rows, int):
        return compute() if rows else ops.zeros(())
    mean = compute()
    return ops.where(rows > 0, mean, ops.zeros_like(mean))


def check_finite(means):
    """Raises for the first of the logged means of a step that is not finite."""
    for name, value in means.items():
        if not ops.all(ops.isfinite(value)):
            what = _MEANINGS.get(name, f"penalty of regularizer '{name}'")
            raise FloatingPointError(
                f"The {what} is not finite; the weights were left as they were before that step. "
                "Usual causes: inputs or logits that are not finite, labels that are no classes, a "
                "learning rate that diverges, float16 overflow. To skip such steps and count them, "
                f"set `nonfinite_penalty='skip'`. Received: {name}={float(ops.max(value))}"
            )
