"""Does a long training with large batches grow in memory, or become slower?

`fit` by VAT on MNIST, a perceptron 784-128-64-10 with batch normalisation and Gaussian noise, with
everything on that a user may have on: a warm-up, a monitor, validation. Resident memory and the
time of a step after every thousand updates. Needs TFDS_DATA_DIR.

    python -m benchmarks.speed.long_run        # nine minutes on two cores
"""

import argparse
import time

import keras
import numpy as np

import keras_vat
from benchmarks import report
from benchmarks.speed.memory import resident


def perceptron():
    layers = keras.layers
    hidden = [
        layer
        for units in (128, 64)
        for layer in (
            layers.Dense(units),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GaussianNoise(0.3),
        )
    ]
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), *hidden, layers.Dense(10)])


class Watch(keras.callbacks.Callback):
    """Of every epoch the seconds of its steps, without validation, and the memory after it."""

    def __init__(self):
        super().__init__()
        self.seconds, self.mebibytes = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.stop = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(self.stop - self.start)
        self.mebibytes.append(resident() / 2**20)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=20_000, help="thousands of them")
    parser.add_argument("--labeled", type=int, default=256)
    parser.add_argument("--unlabeled", type=int, default=1024)
    arguments = parser.parse_args()

    (x, y), (x_test, y_test) = keras_vat.data.load("mnist")
    rows = keras_vat.data.labeled_split(y, 1000, seed=0)
    batches = keras_vat.data.semi_supervised(
        (x[rows], y[rows]), x, arguments.labeled, arguments.unlabeled, seed=0, repeat=True
    )
    keras.utils.set_random_seed(0)
    vat = keras_vat.regularizers.VirtualAdversarialTraining(epsilon=2.0)
    model = keras_vat.VATModel(perceptron(), vat)
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    epochs, watch = arguments.updates // 1000, Watch()
    history = model.fit(
        batches,
        steps_per_epoch=1000,
        epochs=epochs,
        validation_data=(x_test, y_test),
        validation_batch_size=1000,
        verbose=2,
        shuffle=False,
        callbacks=[
            watch,  # first: what it notes is of the steps alone
            keras_vat.callbacks.AlphaWarmup(epochs=5),
            keras_vat.callbacks.SmoothnessMonitor(x_test[:500], epsilon=2.0),
        ],
    ).history
    found = [
        {
            "updates": 1000 * (epoch + 1),
            "ms per step": watch.seconds[epoch],
            "resident MiB": watch.mebibytes[epoch],
            "test error, %": 100 * (1 - history["val_accuracy"][epoch]),
        }
        for epoch in range(epochs)
    ]
    half = found[epochs // 2 :]
    slopes = {
        "ms per step, slope over the second half, % in 1,000 updates": slope(half, "ms per step"),
        "memory, the same": slope(half, "resident MiB"),
    }
    print(report.table(found), slopes, sep="\n\n")
    report.save("long_run", found, **slopes)


def slope(rows, column):
    """Growth of a column from row to row by least squares, in % of its mean."""
    values = [row[column] for row in rows]
    return 100 * float(np.polyfit(range(len(values)), values, 1)[0] / np.mean(values))


if __name__ == "__main__":
    main()
