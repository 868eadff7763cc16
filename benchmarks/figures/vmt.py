"""The figures of the VMT paper: one function trains, draws them and returns their numbers."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from benchmarks.figures.training import load, supervised
from keras_vat import plotting, regularizers

MOVEMENTS = ("shift", "rotation", "scale")
VMT = regularizers.VirtualMovementTraining(MOVEMENTS)


class SensitivityWatch(keras.callbacks.Callback):
    """Measures after every epoch how sensitive the loss of the test images is to movements."""

    def __init__(self, setup):
        super().__init__()
        self.rows, self.sensitivity = load(setup)[1], {name: [] for name in MOVEMENTS}

    def on_epoch_end(self, epoch, logs=None):
        found = VMT.movement(self.model, *self.rows)
        for name, (sensitivity, _) in found.items():
            self.sensitivity[name].append(float(np.mean(sensitivity)))


def movement_fields(setup):
    """VMT's figures 1 and 3: fields of an image, and the mean sensitivity to them in training."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    x, y = load(setup)[1]
    watches = {method: SensitivityWatch(setup) for method in ("VMT", "supervised")}
    for method, watch in watches.items():
        classifier, _ = supervised(setup, method, watch=(watch,))
    fields = VMT.movement(classifier, x[:1], y[:1])
    for name, (top, bottom) in zip(MOVEMENTS, axes.T, strict=True):
        plotting.plot_movement_field(np.asarray(fields[name][1])[0], x[0], max_arrows=8, ax=top)
        top.set_title(name, fontsize="medium")
        curves = {method: watch.sensitivity[name] for method, watch in watches.items()}
        plotting.plot_training_curves(curves, ax=bottom)
        bottom.set(ylabel=f"mean R of the test images, {name}")
        bottom.set_ylim(bottom=0)
    return figure, {method: watch.sensitivity for method, watch in watches.items()}
