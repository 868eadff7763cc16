"""What a classifier's logits say about its labels."""

import copy

from keras import ops


class OutputDistribution:
    """p(y | x) as a function of the logits, with the exact quantities the methods need.

    Logits have shape `(batch, ...)`. An output with further axes (labels, positions) is the
    product of independent parts, so divergences, entropies and likelihoods are sums over them.
    Everything is computed from logits: nothing is clipped and no gradient vanishes because an
    output is saturated.
    """

    name = None
    _mask = None

    def masked(self, mask):
        """This distribution without the positions that are padding.

        Args:
            mask: Booleans `(batch, positions)`, as Keras's layers hand them on: true where a
                position counts; or `None`: all do.
        """
        distribution = copy.copy(self)
        distribution._mask = mask
        return distribution

    def counted(self, values):
        """Values `(batch, positions, ...)`, zero where a position does not count."""
        if self._mask is None:
            return values
        missing = len(values.shape) - len(self._mask.shape)
        mask = ops.reshape(self._mask, (*ops.shape(self._mask), *[1] * missing))
        return ops.where(mask, values, ops.zeros_like(values))

    def sum_per_example(self, values):
        """Sum over every axis but the first, of what counts."""
        return sum_per_example(self.counted(values))

    def mean(self, logits):
        """E[y | x]: probabilities, or the regression's mean; shaped like the logits."""
        raise NotImplementedError

    def kl(self, clean_logits, perturbed_logits):
        """KL(clean || perturbed), shape `(batch,)`."""
        raise NotImplementedError

    def fisher_product(self, logits, tangent):
        """Fisher information with respect to the logits, times `tangent`."""
        raise NotImplementedError

    def entropy(self, logits):
        """H(y | x), shape `(batch,)`, in nats."""
        raise NotImplementedError

    def negative_log_likelihood(self, y, logits):
        """-log p(y | x), shape `(batch,)`, in nats."""
        raise NotImplementedError


def sum_per_example(values):
    """Sum over every axis but the first."""
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


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
