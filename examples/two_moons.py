"""Two moons: 8 labelled and 1,000 unlabelled points (VAT figure 1)
================================================================

Trains a net with one hidden layer of 50 units without VAT, and with it, and draws p(y = 1 | x) and
the local distributional smoothness (LDS) as `two_moons.png`; with `--animation`, also as a GIF.
About a minute on two cores, offline.

What to expect: without VAT the boundary ends up in the middle of a moon, whose points a small
perturbation moves far: there the LDS is high. With VAT it moves on into the gap between the moons.

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
MOMENTS = (10, 100, 1000)
HIGH = 1.0  # the LDS, in nats, of the darkest points


def net():
    layers = [keras.layers.Dense(50, "relu"), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((2,)), *layers])


def build(regularizers, seed):
    keras.utils.set_random_seed(seed)
    model = keras_vat.VATModel(net(), regularizers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, steps_per_execution=10)
    return model


def draw(model, x, y, labeled, axes, title):
    """The boundary on one axis, the LDS of every point on the other."""
    probability, smoothness = axes
    keras_vat.plotting.plot_decision_boundary(
        model, x[labeled], y[labeled], unlabeled=x, ax=probability
    )
    probability.get_legend().remove()
    lds = local_distributional_smoothness(model, x, EPSILON, num_power_iterations=3, seed=0)
    keras_vat.plotting.plot_decision_boundary(model, x, smoothness=lds, ax=smoothness)
    points = next(drawn for drawn in smoothness.collections if len(drawn.get_offsets()) == len(x))
    points.set_clim(0.0, HIGH)  # in all panels alike
    probability.set_title(title)
    smoothness.set_title(f"LDS at epsilon {EPSILON}: mean {lds.mean():.3f}")


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0, help="of points, labels and weights")
    parser.add_argument("--picture", default="two_moons.png", help="file for the picture")
    parser.add_argument("--animation", help="file for a GIF, drawn every 50 updates")
    arguments = parser.parse_args()

    x, y = keras_vat.data.two_moons(1000, noise=0.1, seed=arguments.seed)
    labeled = keras_vat.data.labeled_split(y, 8, seed=arguments.seed)
    batches = keras_vat.data.semi_supervised(
        (x[labeled], y[labeled]), x, 8, 500, seed=arguments.seed, repeat=True
    )
    plain = build([], arguments.seed)
    model = build(keras_vat.regularizers.VirtualAdversarialTraining(EPSILON), arguments.seed)

    figure, axes = plt.subplots(2, 1 + len(MOMENTS), figsize=(4.4 * (1 + len(MOMENTS)), 6))
    plain.fit(batches, steps_per_epoch=MOMENTS[-1], verbose=0)
    report(plain, x, y, labeled, axes[:, 0], f"without VAT, {MOMENTS[-1]} updates")
    frames, trained = [(0, model.get_weights())], 0
    moments = sorted({*MOMENTS, *range(50, MOMENTS[-1] + 1, 50)})
    for moment in moments if arguments.animation else MOMENTS:
        model.fit(batches, steps_per_epoch=moment - trained, verbose=0)
        trained = moment
        if moment in MOMENTS:
            column = axes[:, 1 + MOMENTS.index(moment)]
            report(model, x, y, labeled, column, f"with VAT, {trained} updates")
        frames.append((trained, model.get_weights()))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=3)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(arguments.picture, dpi=110)
    print(f"picture: {arguments.picture}")
    if arguments.animation:
        animate(model, x, y, labeled, frames, arguments.animation)


def report(model, x, y, labeled, column, title):
    """Draws a column of the picture and prints how many points are misclassified."""
    draw(model, x, y, labeled, column, title)
    error = np.mean(np.argmax(model.predict(x, verbose=0), -1) != y)
    print(f"{title:27}: {100 * error:5.1f} % of the 1,000 points misclassified")


def animate(model, x, y, labeled, frames, path):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))

    def frame(number):
        updates, weights = frames[number]
        model.set_weights(weights)
        for ax in axes:
            ax.clear()
        draw(model, x, y, labeled, axes, f"{updates} updates")

    animation.FuncAnimation(figure, frame, len(frames)).save(path, writer="pillow", fps=4)
    print(f"animation: {path}")


if __name__ == "__main__":
    main()
