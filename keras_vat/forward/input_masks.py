"""Which parts of the inputs are padding, by the masks that Keras computed in a run.

A layer such as `keras.layers.Masking` reads from the values which steps are padding: steps that
were moved would count, and take most of a perturbation.
"""

from keras import ops

from keras_vat.autodiff import Linearization
from keras_vat.forward.perturbable import Perturbable


def direct_masks(run, parts):
    """The masks that came upon the inputs themselves.

    Args:
        run: The `ObservedRun`.
        parts: The floating inputs that it was given.

    Returns:
        For each of them the mask `(batch, steps)`, true where it counts, or `None`; and whether
        these are all masks that came upon floating tensors of the run.
    """
    masks, all_direct = [None] * len(parts), True
    for tensor, mask in run.masked:
        places = [place for place, part in enumerate(parts) if part is tensor]
        all_direct = all_direct and bool(places)
        for place in places:
            before = masks[place]
            masks[place] = mask if before is None else ops.logical_or(before, mask)
    return masks, all_direct


def traced_masks(forward, x):
    """The masks of inputs that go through other layers before a mask comes upon them.

    A step of an input is padding if tensors that get a mask depend on it, but nowhere where the
    mask says that they count. What depends on what is told by derivatives: products of Jacobians
    with positive numbers of no order, which don't cancel.

    Args:
        forward: The `Forward`.
        x: A batch of its inputs.

    Returns:
        For each floating input a mask, or `None`.
    """
    parts = Perturbable(x).parts
    ranks = []

    def front(parts):
        _, _, observed, *_ = forward.run(Perturbable(x).put(parts))
        rows = ops.shape(parts[0])[0]
        tensors, masks = zip(*observed.masked, strict=True)
        ranks[:] = {len(mask.shape) for mask in masks}
        counting = [ops.ones_like(t) * as_factor(m, t) for t, m in observed.masked]
        flat = [
            [ops.reshape(ops.cast(t, "float32"), (rows, -1)) for t in ts]
            for ts in (tensors, counting)
        ]
        value, counts = (ops.concatenate(ts, axis=-1) for ts in flat)
        return value, counts

    linear = Linearization(front, parts)
    numbers = 1.5 + ops.cos(ops.cast(ops.arange(ops.shape(linear.value)[1]), "float32") ** 2)
    numbers = ops.broadcast_to(numbers, ops.shape(linear.value))
    depends, counts = (
        [ops.not_equal(part, 0) for part in linear.vjp(cotangent)]
        for cotangent in (numbers, numbers * linear.auxiliary)
    )
    rank = max(ranks)
    return [
        # What no row of the batch depends on may have other ways to the output.
        ops.logical_or(
            ops.logical_not(ops.any(_of_steps(depending, rank), axis=0, keepdims=True)),
            _of_steps(counting, rank),
        )
        for depending, counting in zip(depends, counts, strict=True)
    ]


def _of_steps(values, rank):
    """Whether any entry of a step holds."""
    axes = tuple(range(min(rank, len(values.shape)), len(values.shape)))
    return ops.any(values, axis=axes) if axes else values


def as_factor(mask, tensor):
    """A mask `(batch, steps)` as numbers, 0 and 1, with the rank of a tensor."""
    for _ in range(len(tensor.shape) - len(mask.shape)):
        mask = ops.expand_dims(mask, -1)
    return ops.cast(mask, tensor.dtype)
