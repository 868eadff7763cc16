"""How much the rows and positions of a batch count, by their sample weights."""

from keras import ops

from keras_vat.divergences.output_distribution import any_per_example
from keras_vat.forward.labels import only_one


class SampleWeights:
    """The sample weights of one batch, as `fit` takes them.

    Attributes:
        given: The weights as Keras's losses take them.

    Args:
        weights: `(batch,)` or `(batch, positions)`, with or without a last axis of 1, or a list or
            dictionary of one such.
        x: The batch, which is known by the identity of its tensors and therefore kept alive.
    """

    def __init__(self, weights, x):
        self._x = x
        self.given = weights = ops.convert_to_tensor(only_one(weights))
        while len(weights.shape) > 1 and weights.shape[-1] == 1:
            weights = ops.squeeze(weights, -1)
        self._weights = weights
        self._counts = ops.not_equal(weights, 0)

    def count(self, distribution, logits):
        """The distribution of logits without the rows and positions of weight 0."""
        counts = self._counts
        while len(counts.shape) > len(logits.shape) - distribution.axes_of_a_part:
            counts = ops.any(counts, axis=-1)  # a loss of one's own may weigh each class
        return distribution.masked(counts)

    @property
    def rows_that_count(self):
        """Which rows have a weight other than 0, booleans `(batch,)`."""
        return any_per_example(self._counts)

    @property
    def one_for_each_row(self):
        """Whether positions have none of their own."""
        return len(self._weights.shape) == 1

    def of_rows(self, dtype):
        """One factor for each row, `(batch,)`: of weights of its positions the mean."""
        weights = ops.cast(self._weights, dtype)
        axes = tuple(range(1, len(weights.shape)))
        return ops.mean(weights, axis=axes) if axes else weights
