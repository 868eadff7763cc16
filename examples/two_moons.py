"""Two moons: 8 labelled and 1,000 unlabelled points (VAT figure 1)
================================================================

Trains a net with one hidden layer of 50 units by VAT and draws p(y = 1 | x) and the local
distributional smoothness at several moments, as `two_moons.png`; with `--animation`, also as a
GIF. About a minute on two cores, offline.

What to expect: at first the boundary cuts through a moon, where the LDS is high; it moves until it
runs through the gap between the moons.

::

    python examples/two_moons.py
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import animation

import keras_vat
from keras_vat.evaluation import local_distributional_smoothness

EPSILON = 0.2
MOMENTS = (0, 10, 100, 1000)


def net():
    layers = [keras.layers.Dense(50, "relu"), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((2,)), *layers])


def draw(model, x, y, labeled, probability, smoothness, updates):
    """The boundary on one axis, the LDS of every point on the other."""
    keras_vat.plotting.plot_decision_boundary(
        model, x[labeled], y[labeled], unlabeled=x, ax=probability
    )
    probability.get_legend().remove()
    lds = local_distributional_smoothness(model, x, EPSILON, num_power_iterations=3, seed=0)
    keras_vat.plotting.plot_decision_boundary(model, x, smoothness=lds, ax=smoothness)
    probability.set_title(f"{updates} updates")
    smoothness.set_title(f"LDS at epsilon {EPSILON}: mean {lds.mean():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="two_moons.png")
    parser.add_argument("--animation", help="path of a GIF, drawn every 50 updates")
    arguments = parser.parse_args()

    x, y = keras_vat.data.two_moons(1000, noise=0.1, seed=arguments.seed)
    labeled = keras_vat.data.labeled_split(y, 8, seed=arguments.seed)
    batches = keras_vat.data.semi_supervised(
        (x[labeled], y[labeled]), x, 8, 500, seed=arguments.seed, repeat=True
    )
    keras.utils.set_random_seed(arguments.seed)
    vat = keras_vat.regularizers.VirtualAdversarialTraining(EPSILON)
    model = keras_vat.VATModel(net(), vat)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, steps_per_execution=10)

    figure, axes = plt.subplots(2, len(MOMENTS), figsize=(4.4 * len(MOMENTS), 6))
    frames, trained = [], 0
    moments = sorted({*MOMENTS, *range(0, MOMENTS[-1] + 1, 50)})
    for moment in moments if arguments.animation else MOMENTS:
        if moment > trained:
            model.fit(batches, steps_per_epoch=moment - trained, verbose=0, shuffle=False)
            trained = moment
        if moment in MOMENTS:
            column = axes[:, MOMENTS.index(moment)]
            draw(model, x, y, labeled, *column, trained)
            error = np.mean(np.argmax(model.predict(x, verbose=0), -1) != y)
            print(f"{trained:5d} updates: {100 * error:5.1f} % of the 1,000 points misclassified")
        frames.append((trained, model.get_weights()))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=3)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(arguments.picture, dpi=110)
    print(f"picture: {arguments.picture}")
    if arguments.animation:
        animate(model, x, y, labeled, frames, arguments.animation)


def animate(model, x, y, labeled, frames, path):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))

    def frame(number):
        updates, weights = frames[number]
        model.set_weights(weights)
        for ax in axes:
            ax.clear()
        draw(model, x, y, labeled, *axes, updates)

    animation.FuncAnimation(figure, frame, len(frames)).save(path, writer="pillow", fps=4)
    print(f"animation: {path}")


if __name__ == "__main__":
    main()
