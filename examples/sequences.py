"""VAT and FAT on sequences of floats: digits that an LSTM reads row by row
========================================================================

The digits bundled with scikit-learn as sequences of 8 steps of 8 numbers, 50 labels, 1,247 without.
A recurrent classifier needs nothing of its own: perturbations and bad samples move every step of
the sequence, and epsilon is the norm of the whole one. Prints the test errors of supervised
training, VAT and FAT. About two minutes on two cores, offline.

What to expect: supervised training misclassifies two test digits in five, VAT one in twelve, FAT
one in eight.

::

    python examples/sequences.py
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_vat
from keras_vat import regularizers

METHODS = {
    "supervised": lambda: [],
    "vat": lambda: regularizers.VirtualAdversarialTraining(epsilon=0.6),
    "fat": lambda: regularizers.FastAdversarialTraining(epsilon=1.0, radius=1.3),
}


def reader():
    layers = keras.layers
    return keras.Sequential([keras.Input((8, 8)), layers.LSTM(64), layers.Dense(10)])


def train(name, seed, epochs):
    """The error in % on the test digits."""
    (x, y), (x_test, y_test) = keras_vat.data.load("digits")
    x, x_test = x[..., 0], x_test[..., 0]  # (images, rows, columns): the rows are the steps
    labeled = keras_vat.data.labeled_split(y, 50, seed=seed)
    batches = keras_vat.data.semi_supervised(
        (x[labeled], y[labeled]), x, labeled_batch_size=32, unlabeled_batch_size=128, seed=seed
    )
    keras.utils.set_random_seed(seed)
    model = keras_vat.VATModel(reader(), METHODS[name]())
    updates = epochs * len(batches)
    model.compile(
        keras.optimizers.Adam(
            keras_vat.optimizers.ConstantThenLinearDecay(0.003, updates, updates // 2)
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=len(batches),
    )
    warmup = [keras_vat.callbacks.LambdaWarmup()] if name == "fat" else []
    model.fit(batches, epochs=epochs, verbose=0, callbacks=warmup)
    return 100 * (1 - model.evaluate(x_test, y_test, verbose=0)[1])


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each method")
    parser.add_argument("--epochs", type=int, default=60, help="passes over the sequences")
    arguments = parser.parse_args()

    print("test error in %, one column for each seed, then the mean")
    for name in METHODS:
        print(f"{name:12}", end="", flush=True)
        errors = []
        for seed in range(arguments.seeds):
            errors.append(train(name, seed, arguments.epochs))
            print(f"{errors[-1]:7.1f}", end="", flush=True)
        print(f"   |{np.mean(errors):6.1f}")


if __name__ == "__main__":
    main()
