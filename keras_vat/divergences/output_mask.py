"""The mask of an output: which rows and positions count, and means over those that do."""

import copy
import math

from keras import ops


class MaskedOutput:
    """What is shaped like an output, of which some rows or positions may not count."""

    axes_of_a_part = 0
    """How many of the last axes of the logits belong to one part together."""
    _mask = None

    def masked(self, mask):
        """This distribution without some of its rows or positions.

        Args:
            mask: Booleans `(batch,)` or `(batch, positions)`: true where something counts, as
                Keras's layers say of padding; or `None`: all does.
        """
        if mask is None:
            return self
        distribution = copy.copy(self)
        distribution._mask = mask if self._mask is None else both(self._mask, mask)
        return distribution

    @property
    def rows_that_count(self):
        """Of which rows anything counts, booleans `(batch,)`; `None`: all."""
        return None if self._mask is None else any_per_example(self._mask)

    def counted(self, values):
        """Values `(batch, positions, ...)`, zero where a position does not count."""
        if self._mask is None:
            return values
        return ops.where(with_rank(self._mask, len(values.shape)), values, ops.zeros_like(values))

    def shares(self, values):
        """Values shaped like the logits, times the share that each part has in the mean."""
        sizes = ops.shape(values)[1 : len(values.shape) - self.axes_of_a_part]
        return self._over_number(self.counted(values), sizes)

    def mean_per_example(self, values):
        """Mean of `(batch, *parts)` over every axis but the first, of what counts; `(batch,)`."""
        return self._over_number(sum_per_example(self.counted(values)), ops.shape(values)[1:])

    def per_example(self, values):
        """From values shaped like the logits: sums over each part, then their mean; `(batch,)`."""
        rank = len(values.shape)
        axes = tuple(range(rank - self.axes_of_a_part, rank))
        return self.mean_per_example(ops.sum(values, axis=axes) if axes else values)

    def _over_number(self, values, sizes):
        """Values of each example over the number of its parts that count, of which 0 is 1."""
        if self._mask is None:
            return values / ops.cast(math.prod(sizes), values.dtype) if sizes else values
        counted = sum_per_example(ops.cast(self._mask, values.dtype))
        further = math.prod(sizes[len(self._mask.shape) - 1 :])  # axes that the mask lacks
        number = ops.maximum(counted, 1) * ops.cast(further, values.dtype)
        return values / with_rank(number, len(values.shape))


def sum_per_example(values):
    """Sum over every axis but the first."""
    axes = tuple(range(1, len(values.shape)))
    return ops.sum(values, axis=axes) if axes else values


def any_per_example(mask):
    """Whether anything is true over every axis but the first."""
    axes = tuple(range(1, len(mask.shape)))
    return ops.any(mask, axis=axes) if axes else mask


def both(mask, other):
    """Where two masks hold, of which one may lack the positions."""
    rank = max(len(mask.shape), len(other.shape))
    return ops.logical_and(with_rank(mask, rank), with_rank(other, rank))


def with_rank(values, rank):
    """A tensor with axes of size 1 added at the end."""
    return ops.reshape(values, (*ops.shape(values), *[1] * (rank - len(values.shape))))
