"""A few batches of the fixture `rows`, and what normalisation sees of them, by NumPy."""

import keras
import numpy as np

from keras_vat import SemiSupervisedInputs

STEPS, LABELED, UNLABELED = 4, 4, 12


class Batches(keras.utils.PyDataset):
    """Semi-supervised batches of the fixture `rows`, or their labelled rows alone."""

    num_batches = STEPS

    def __init__(self, rows, unlabeled=True):
        super().__init__()
        self._rows, self._unlabeled = rows, unlabeled

    def __getitem__(self, step):
        places = np.arange(step, step + LABELED)
        x, y = self._rows.x[places], self._rows.y[places]
        if not self._unlabeled:
            return x, y
        return SemiSupervisedInputs(x, self._rows.unlabeled[step : step + UNLABELED]), y

    def statistics(self, step, weights):
        """Mean and variance of a batch behind a layer of tanh, over all rows alike, in float64."""
        x, _ = self[step]
        parts = x if isinstance(x, SemiSupervisedInputs) else (x,)
        found = [statistics(weights, part) for part in parts]
        return np.average(found, axis=0, weights=[len(part) for part in parts])


def statistics(weights, x):
    """Mean and variance of what normalisation sees behind a layer of tanh, in float64."""
    kernel, bias = (np.array(value, "float64") for value in weights)
    hidden = np.tanh(x.astype("float64") @ kernel + bias)
    return np.array([hidden.mean(axis=0), hidden.var(axis=0)])
