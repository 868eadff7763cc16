"""Checks that labelled and unlabelled rows can share one training step."""

import tensorflow as tf


def check_matching(labeled, unlabeled):
    """Raises unless both specs agree in structure, shapes and kinds of dtype.

    Args:
        labeled: Structure of `tf.TensorSpec` of one labelled input.
        unlabeled: Structure of `tf.TensorSpec` of one unlabelled input.
    """
    received = f"Received: labeled={_describe(labeled)}, unlabeled={_describe(unlabeled)}"
    try:
        tf.nest.assert_same_structure(labeled, unlabeled)
    except (TypeError, ValueError):
        raise ValueError(
            f"`unlabeled` must have the structure of the inputs in `labeled`. {received}"
        ) from None
    pairs = list(zip(tf.nest.flatten(labeled), tf.nest.flatten(unlabeled), strict=True))
    if any(not one.shape.is_compatible_with(other.shape) for one, other in pairs):
        raise ValueError(
            f"Rows of `unlabeled` must have the shape of those in `labeled`. {received}"
        )
    if any(_kind(one.dtype) != _kind(other.dtype) for one, other in pairs):
        raise TypeError(
            f"`unlabeled` must have the kind of dtype of the inputs in `labeled`. {received}. "
            "Convert or scale one of them."
        )


def check_batch_fits(num_rows, unlabeled_batch_size):
    """Raises if the unlabelled rows do not fill one batch (`None` rows: unknown)."""
    if num_rows is not None and num_rows < unlabeled_batch_size:
        raise ValueError(
            "`unlabeled_batch_size` must be at most the number of unlabelled rows, for only full "
            f"batches are made. Received: unlabeled_batch_size={unlabeled_batch_size}, "
            f"unlabelled rows: {num_rows}"
        )


def _kind(dtype):
    if dtype.is_floating:
        return "floating"
    return "integer" if dtype.is_integer else dtype.name


def _describe(spec):
    return tf.nest.map_structure(lambda t: f"{t.dtype.name}{tuple(t.shape)}", spec)
