"""Per-example norms of perturbations that may have several parts (one for each input)."""

from keras import ops


def unit(parts, joint=True, fallback=None):
    """Scale every example to L2 norm 1 over all parts together, or over each part apart.

    Entries are divided by the example's largest one before squaring, so that gradients of 1e-30
    neither underflow nor meet a floor that would shrink the result.

    Args:
        parts: List of tensors of shape `(batch, ...)`.
        joint: `True`: one norm over all parts; `False`: each part has norm 1.
        fallback: List of unit tensors that stand in for examples which are all zero or not
            finite; `None`: such examples become zero.

    Returns:
        List of tensors shaped like `parts`.
    """
    if not joint:
        fallbacks = [None] * len(parts) if fallback is None else [[f] for f in fallback]
        return [unit([part], fallback=f)[0] for part, f in zip(parts, fallbacks, strict=True)]
    largest = _reduce(parts, ops.max, ops.abs, ops.maximum)
    usable = ops.logical_and(largest > 0, ops.isfinite(largest))
    largest = ops.where(usable, largest, ops.ones_like(largest))
    scaled = [ops.where(column(usable, part), part / column(largest, part), 0.0) for part in parts]
    squared = _reduce(scaled, ops.sum, ops.square, ops.add)
    length = ops.sqrt(ops.where(usable, squared, ops.ones_like(squared)))
    scaled = [part / column(length, part) for part in scaled]
    if fallback is None:
        return scaled
    return [
        ops.where(column(usable, part), part, other)
        for part, other in zip(scaled, fallback, strict=True)
    ]


def rescaled(cotangent, jointly):
    """A cotangent in a range that survives a pullback in half precision.

    Each row is divided by its largest entry, which leaves its direction alone. Where rows interact
    (batch statistics), their relative sizes matter to the directions and one number divides all.

    Args:
        cotangent: `(batch, ...)`.
        jointly: Whether one factor serves all rows.
    """
    return cotangent / largest_entry(cotangent, jointly)


def largest_entry(values, jointly):
    """The largest absolute entry, of each row or of all `jointly`, to divide by; 1 for zeros."""
    axes = None if jointly else tuple(range(1, len(values.shape)))
    largest = ops.max(ops.abs(values), axis=axes, keepdims=True)
    return ops.where(largest > 0, largest, ops.ones_like(largest))


def root_mean_square(parts):
    """Root of the mean squared norm of the examples, a scalar; 1 where all are zero."""
    squared = ops.mean(_reduce(parts, ops.sum, ops.square, ops.add))
    return ops.stop_gradient(ops.where(squared > 0, ops.sqrt(squared), ops.ones_like(squared)))


def column(values, like):
    """Shape `(batch,)` to `(batch, 1, ...)` with the rank and dtype of `like`."""
    values = ops.reshape(values, (-1,) + (1,) * (len(like.shape) - 1))
    return values if values.dtype == bool else ops.cast(values, like.dtype)


def _reduce(parts, reduction, transform, combine):
    total = None
    for part in parts:
        axes = tuple(range(1, len(part.shape)))
        value = reduction(transform(ops.cast(part, _accumulator(part))), axis=axes)
        total = value if total is None else combine(total, value)
    return total


def _accumulator(part):
    return "float64" if part.dtype == "float64" else "float32"
