"""Predictions that need no compiling for each new model."""

import keras
import numpy as np
from keras import ops

from keras_vat import autodiff
from keras_vat.forward.output_meaning import at_least_float32

FEWEST_ROWS, MOST_ROWS = 32, 1024  # at once


class Predictor:
    """A classifier's probabilities as a compiled function of its variables.

    Args:
        classifier: A built Keras model. The numbers of its variables are not used.
        from_logits: Whether it returns logits.
    """

    def __init__(self, classifier, from_logits):
        def probabilities(numbers, x):
            with keras.StatelessScope(list(zip(classifier.variables, numbers, strict=True))):
                outputs = at_least_float32(classifier(x, training=False))
            return ops.softmax(outputs) if from_logits else outputs

        self._run = autodiff.compiled(probabilities)

    def __call__(self, classifier, x):
        """Probabilities, `(rows, classes)`, of a classifier of the same architecture."""
        numbers = [ops.convert_to_tensor(variable) for variable in classifier.variables]
        starts = range(0, len(x), MOST_ROWS)
        return np.concatenate(
            [self._of_batch(numbers, x[start : start + MOST_ROWS]) for start in starts]
        )

    def _of_batch(self, numbers, x):
        # Filled up to a power of two: few shapes, however many rows come.
        rows = max(FEWEST_ROWS, 1 << (len(x) - 1).bit_length())
        filled = x[np.minimum(np.arange(rows), len(x) - 1)]
        found = self._run(numbers, ops.convert_to_tensor(filled))
        return ops.convert_to_numpy(found)[: len(x)]
