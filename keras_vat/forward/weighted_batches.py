"""How much the rows of a step's batches count."""

from keras import ops, tree

from keras_vat.forward.labels import only_one
from keras_vat.forward.sample_weights import SampleWeights


class WeightedBatches:
    """Mix-in of `Forward`: the sample weights of batches, which are known by their tensors."""

    def weigh(self, x, sample_weight):
        """Says what the rows, or positions, of a batch weigh. Those of weight 0 count nowhere."""
        sample_weight = self.penalized_part(x, only_one(sample_weight))
        if sample_weight is None:
            return
        key = self._key(x)
        self._weights[key] = SampleWeights(sample_weight, x)
        if key in self._clean_passes:
            self._clean_passes[key].weigh(self._weights[key])

    def sample_weight(self, x):
        """What a batch weighs, as `weigh` was told; `None`: all rows are alike."""
        weights = self._weights.get(self._key(x))
        return None if weights is None else weights.given

    def rows_that_count(self, x):
        """Of a batch those that are neither of weight 0 nor all padding; `None`: all rows.

        Padding is known of batches that had a clean pass.
        """
        key = self._key(x)
        if key in self._clean_passes:
            return self._clean_passes[key].distribution.rows_that_count
        return self._weights[key].rows_that_count if key in self._weights else None

    def mean_over_rows(self, x, values):
        """The mean of `(batch,)` over the rows that count; 0 where none does."""
        counts = self.rows_that_count(x)
        if counts is None:
            return ops.mean(values)
        number = ops.maximum(ops.sum(ops.cast(counts, values.dtype)), 1)
        return ops.sum(ops.where(counts, values, ops.zeros_like(values))) / number

    def weighted_mean(self, x, values):
        """The mean of `(batch,)`, each row times its weight: what Keras makes of losses."""
        weights = self._weights.get(self._key(x))
        return ops.mean(values if weights is None else values * weights.of_rows(values.dtype))

    @staticmethod
    def _key(x):
        """A batch is the same batch if its tensors are (a `LinearizedPass` keeps them alive)."""
        return tuple(id(tensor) for tensor in tree.flatten(x))


def count_rows(x):
    """Number of rows of a batch: an integer, or a tensor where it is unknown."""
    return ops.shape(tree.flatten(x)[0])[0]
