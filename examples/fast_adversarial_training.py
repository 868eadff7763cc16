"""Fast adversarial training with bad samples on two moons (FAT, figure 6)
=======================================================================

8 labelled and 1,000 unlabelled points, a net with two hidden layers of 100 units. Draws
the accuracy on the unlabelled points after every epoch for VAT and FAT, median and range over the
runs, and the bad samples of one FAT run at four moments, as `fast_adversarial_training.png`.
About two minutes on two cores, offline.

What to expect: bad samples gather along the boundary and push it into the gap between the moons;
most runs of FAT get there in fewer epochs than VAT, but a run whose boundary starts in the wrong
place may be held there.

::

    python examples/fast_adversarial_training.py
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_vat
from keras_vat import regularizers

METHODS = {
    "vat": lambda: regularizers.VirtualAdversarialTraining(epsilon=0.2),
    "fat": lambda: regularizers.FastAdversarialTraining(0.3, radius=0.5, threshold=0.3),
}
MOMENTS = (3, 6, 12, 24)


def net():
    layers = [keras.layers.Dense(100, "relu"), keras.layers.Dense(100, "relu")]
    return keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(2)])


def draw_bad_samples(model, x, y, labeled, epoch, ax):
    bad, kept = model.regularizers[0].bad_samples(model, x)
    classes = np.where(np.isin(np.arange(len(x)), labeled), y, -1)
    keras_vat.plotting.plot_bad_samples(x, bad, kept, model, classes, ax=ax)
    ax.get_legend().remove()
    ax.set_title(f"epoch {epoch}: {np.mean(kept):.0%} kept")


def train(name, seed, epochs, axes):
    """The accuracy on the unlabelled points after every epoch."""
    x, y = keras_vat.data.two_moons(1000, noise=0.1, seed=seed)
    labeled = keras_vat.data.labeled_split(y, 8, seed=seed)
    batches = keras_vat.data.semi_supervised(
        (x[labeled], y[labeled]), x, 8, 100, seed=seed, repeat=True
    )
    keras.utils.set_random_seed(seed)
    model = keras_vat.VATModel(net(), METHODS[name]())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, steps_per_execution=10)
    warmup = [keras_vat.callbacks.LambdaWarmup()] if name == "fat" else []
    accuracies = []

    def look(epoch, logs):
        predicted = np.argmax(model.predict_on_batch(x), -1)
        accuracies.append(100 * np.mean(predicted == y))
        if epoch + 1 in MOMENTS and name == "fat" and axes is not None:
            draw_bad_samples(model, x, y, labeled, epoch + 1, axes[MOMENTS.index(epoch + 1)])

    model.fit(
        batches,
        steps_per_epoch=10,
        epochs=epochs,
        verbose=0,
        callbacks=[*warmup, keras.callbacks.LambdaCallback(on_epoch_end=look)],
    )
    return accuracies


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=5, help="trainings of each method")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the points")
    file = "fast_adversarial_training.png"
    parser.add_argument("--picture", default=file, help="file for the picture")
    arguments = parser.parse_args()

    figure = plt.figure(figsize=(15, 6.5), layout="constrained")
    grid = figure.add_gridspec(2, 4)
    curves = figure.add_subplot(grid[:, :2])
    axes = [figure.add_subplot(grid[place // 2, 2 + place % 2]) for place in range(4)]
    epochs = np.arange(1, arguments.epochs + 1)
    for name in METHODS:
        accuracies = [
            train(name, seed, arguments.epochs, axes if seed == 0 else None)
            for seed in range(arguments.runs)
        ]
        median = np.median(accuracies, axis=0)
        (line,) = curves.plot(epochs, median, label=name)
        low, high = np.min(accuracies, axis=0), np.max(accuracies, axis=0)
        curves.fill_between(epochs, low, high, alpha=0.15, color=line.get_color())
        reached = [int(np.argmax(run)) + 1 for run in np.array(accuracies) >= 98 if run.any()]
        ends = ", ".join(f"{run[-1]:.1f}" for run in accuracies)
        print(f"{name}: 98 % first reached after epoch {sorted(reached)}; at the end {ends} %")
    curves.set(xlabel="epoch", ylabel="accuracy on the unlabelled points, %")
    curves.legend(title="median and range")
    handles = axes[-1].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower right", ncols=len(handles[1]))
    figure.savefig(arguments.picture, dpi=100)
    print(f"picture: {arguments.picture}")


if __name__ == "__main__":
    main()
