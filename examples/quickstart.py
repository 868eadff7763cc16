"""Quickstart: handwritten digits with 50 labels and 1,297 unlabelled images
=========================================================================

Trains a small perceptron on the digits bundled with scikit-learn in four ways and prints the test
errors; saves `quickstart.png`. Offline, about one and a half minutes on two cores.

What to expect: supervised training misclassifies about one test image in six, virtual adversarial
training (vat) three times fewer. In these 64 dimensions random perturbations (rpt) do almost as
well if they are three times larger. Entropy minimisation makes outputs confident: with
so few labels it helps some seeds and locks others in their mistakes.

::

    python examples/quickstart.py
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_vat
from keras_vat import regularizers

EPSILON = 0.6
METHODS = {
    "supervised": lambda: [],
    "rpt": lambda: [regularizers.RandomPerturbationTraining(epsilon=2.0)],
    "vat": lambda: [regularizers.VirtualAdversarialTraining(epsilon=EPSILON)],
    "vat + entropy": lambda: [  # confident outputs need more smoothing
        regularizers.VirtualAdversarialTraining(epsilon=1.0),
        regularizers.EntropyMinimization(),
    ],
}


def perceptron():
    layers = keras.layers
    hidden = [
        layer
        for units in (128, 64)
        for layer in (layers.Dense(units), layers.BatchNormalization(), layers.ReLU())
    ]
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), *hidden, layers.Dense(10)])


def train(methods, seed, num_labels, epochs):
    (x, y), (x_test, y_test) = keras_vat.data.load("digits")
    chosen = keras_vat.data.labeled_split(y, num_labels, seed=seed)
    batches = keras_vat.data.semi_supervised(
        (x[chosen], y[chosen]), x, labeled_batch_size=32, unlabeled_batch_size=128, seed=seed
    )
    keras.utils.set_random_seed(seed)
    model = keras_vat.VATModel(perceptron(), methods)
    updates = epochs * len(batches)
    model.compile(
        keras.optimizers.Adam(
            keras_vat.optimizers.ConstantThenLinearDecay(0.003, updates, updates // 2)
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=len(batches),
    )
    model.fit(
        batches,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[keras_vat.callbacks.BatchNormReestimation(x, steps=20)],
    )
    return 100 * (1 - model.evaluate(x_test, y_test, verbose=0)[1]), model


def spread(errors):
    """The standard deviation over the seeds."""
    return np.std(errors, ddof=1) if len(errors) > 1 else 0.0


def picture(errors, model, labels, path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), width_ratios=(1, 1.4))
    names = list(errors)
    left.bar(
        names,
        [np.mean(errors[name]) for name in names],
        yerr=[spread(errors[name]) for name in names],
        color=["0.6", "0.75", "#0072b2", "#56b4e9"],
        capsize=4,
    )
    left.set_ylabel("test error, %")
    left.set_title(f"{labels} labels, mean and spread over seeds")
    _, (x_test, _) = keras_vat.data.load("digits")
    virtual = keras_vat.perturbations.VirtualAdversarialPerturbation(EPSILON, seed=0)
    keras_vat.plotting.plot_perturbed_images(
        x_test[:8], virtual.perturb(model, x_test[:8]), ax=right
    )
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--labels", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--picture", default="quickstart.png")
    arguments = parser.parse_args()

    errors, model = {}, None
    print("test error in %, one column for each seed, then mean and standard deviation")
    for method in METHODS:
        print(f"{method:14}", end="", flush=True)
        errors[method] = []
        for seed in range(arguments.seeds):
            error, model = train(METHODS[method](), seed, arguments.labels, arguments.epochs)
            errors[method].append(error)
            print(f"{error:7.1f}", end="", flush=True)
        print(f"   |{np.mean(errors[method]):6.1f} ±{spread(errors[method]):4.1f}")
    picture(errors, model, arguments.labels, arguments.picture)
    print(f"picture: {arguments.picture}")


if __name__ == "__main__":
    main()
