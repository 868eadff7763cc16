"""A figure of the FAT paper: the function trains, draws it and returns its numbers."""

import numpy as np

from benchmarks.figures.drawing import PAIR, panels
from benchmarks.figures.training import load, supervised
from keras_vat import plotting, regularizers


def bad_samples(setup):
    """FAT's figure 5: images, and the bad samples of classifiers with and without VAT."""
    x, y = load(setup)[1]
    fat = regularizers.FastAdversarialTraining(setup.epsilon, setup.radius, seed=0)
    found = {f"of {method}": fat.bad_samples(supervised(setup, method)[0], x) for method in PAIR}
    figure, ax = panels(1, width=8, height=2.2)
    chosen = [np.flatnonzero(y == label)[0] for label in range(10)]
    rows = {name: np.asarray(bad)[chosen] for name, (bad, _) in found.items()}
    plotting.plot_bad_samples(x[chosen], rows, ax=ax)
    kept = {name: float(np.mean(kept)) for name, (_, kept) in found.items()}
    return figure, {"radius": setup.radius, "share kept": kept}
