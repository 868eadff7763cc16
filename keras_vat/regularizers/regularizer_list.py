"""The regularizers of one model."""

from keras_vat.regularizers.registry import get
from keras_vat.regularizers.regularizer import Regularizer

RESERVED_NAMES = ("loss", "skipped_steps", "supervised_loss")


def regularizer_list(regularizers) -> list[Regularizer]:
    """One regularizer or a list of them, as a list; those that need no number, by name too."""
    regularizers = regularizers if isinstance(regularizers, (list, tuple)) else [regularizers]
    regularizers = [get(each) if isinstance(each, str) else each for each in regularizers]
    for regularizer in regularizers:
        if not isinstance(regularizer, Regularizer):
            raise TypeError(
                "`regularizers` must be a keras_vat regularizer, the name of one that needs no "
                "number, such as 'entropy', or a list of these. "
                f"Received: {regularizer!r} (of type {type(regularizer).__name__})"
            )
    names = [regularizer.name for regularizer in regularizers]
    if len(set(names)) < len(names):
        raise ValueError(
            "`regularizers` must have different names, one entry in the logs each; set `name`. "
            f"Received: names={names}"
        )
    if set(names) & set(RESERVED_NAMES):
        raise ValueError(
            f"`regularizers` must not have the names {RESERVED_NAMES}, which the logs use for "
            f"other things; set `name`. Received: names={names}"
        )
    return regularizers
