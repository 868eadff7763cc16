"""The late check that the steps of a training were finite, by their logs."""

from keras import ops

# Of the total, only the gradient can be what is left, when all its parts are finite.
_MEANINGS = {"supervised_loss": "supervised loss", "loss": "gradient of the loss"}


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
