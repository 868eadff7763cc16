"""What the input pipeline costs beside a training step of the MNIST perceptron (64 + 256 rows).

Random data of MNIST's size; about a minute on two cores.

    python -m benchmarks.speed.pipeline
"""

import argparse
import time

import keras
import numpy as np

import keras_vat
from benchmarks import report

BATCHES = 200


def seconds_per_batch(batches):
    iterator = iter(batches)
    next(iterator)
    start = time.perf_counter()
    for _ in range(BATCHES):
        next(iterator)
    return (time.perf_counter() - start) / BATCHES


def seconds_per_step(batches, method):
    model = keras_vat.VATModel(
        keras_vat.classifiers.mnist_mlp(noise=0.5), keras_vat.regularizers.get(method, epsilon=2.0)
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    times = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            times.append(time.perf_counter())

    model.fit(batches, steps_per_epoch=60, verbose=0, shuffle=False, callbacks=[Watch()])
    return float(np.median(np.diff(times)[5:]))


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    random = np.random.default_rng(0)
    x = random.uniform(size=(60_000, 28, 28, 1)).astype("float32")
    y = random.integers(0, 10, 60_000)
    rows = keras_vat.data.labeled_split(y, 100)
    batches = keras_vat.data.semi_supervised((x[rows], y[rows]), x, 64, 256, seed=0, repeat=True)
    pipeline = report.quartiles([seconds_per_batch(batches) for _ in range(5)])
    rows = []
    for method in ("rpt", "vat"):
        step = seconds_per_step(batches, method)
        rows.append(
            {
                "method": method,
                "ms per step": 1e3 * step,
                "ms per batch": 1e3 * pipeline["median"],
                "share": pipeline["median"] / step,
            }
        )
    print(report.table(rows))
    report.save("pipeline", rows)


if __name__ == "__main__":
    main()
