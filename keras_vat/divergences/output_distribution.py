"""What a classifier's logits say about its labels."""

import copy
import math

from keras import ops


class OutputDistribution:
    """p(y | x) as a function of the logits, with the exact quantities the methods need.

    Logits have shape `(batch, ...)`. An output with further axes (labels, positions) has several
    independent parts. Divergences, entropies and likelihoods of an example are means over those of
    its parts that count, as Keras's losses are, so that their size doesn't hang on the number of
    parts. Everything is computed from logits: nothing is clipped and no gradient vanishes because
    an output is saturated.
    """

    name = None
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

    def mean(self, logits):
        """E[y | x]: probabilities, or the regression's mean; shaped like the logits."""
        raise NotImplementedError

    def kl(self, clean_logits, perturbed_logits):
        """KL(clean || perturbed), shape `(batch,)`."""
        raise NotImplementedError

    def fisher_product(self, logits, tangent):
        """The Hessian of `kl` where both logits are equal, times `tangent`: the Fisher product."""
        raise NotImplementedError

    def entropy(self, logits):
        """H(y | x), shape `(batch,)`, in nats."""
        raise NotImplementedError

    def negative_log_likelihood(self, y, logits):
        """-log p(y | x), shape `(batch,)`, in nats."""
        raise NotImplementedError


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


def check_rows(y, logits):
    """Raises where labels and outputs are known to be of different rows."""
    if None not in (y.shape[0], logits.shape[0]) and y.shape[0] != logits.shape[0]:
        raise ValueError(
            "`y` must have one label for each row of `x`. "
            f"Received: {y.shape[0]} labels for {logits.shape[0]} rows"
        )


def labels_like(y, logits):
    """Labels as floats shaped like the logits, e.g. `(batch,)` for `(batch, 1)`."""
    check_rows(y, logits)
    y = ops.cast(y, logits.dtype)
    if len(y.shape) == len(logits.shape) - 1 and logits.shape[-1] == 1:
        y = ops.expand_dims(y, -1)
    if len(y.shape) != len(logits.shape):
        raise ValueError(
            "`y` must have the shape of the classifier's output. "
            f"Received: y.shape={tuple(y.shape)}, output.shape={tuple(logits.shape)}"
        )
    return y
