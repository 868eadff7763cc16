"""What a `VATModel` without regularizers costs beside plain Keras: `fit` of the same nets.

They take turns in one process, an epoch of random data each; of an epoch the time from its first
step to its last counts. On TensorFlow there is a third: a `VATModel` whose optimizer's update is
compiled by XLA alone, and how long its first step takes.

    python -m benchmarks.speed.beside_keras                      # three minutes on two cores
    python -m benchmarks.speed.beside_keras --backends tensorflow jax
"""

import argparse
import time

import keras
import numpy as np
from keras import layers

import keras_vat
from benchmarks import report
from benchmarks.speed.compiled_adam import CompiledAdam
from benchmarks.speed.processes import arguments_of, measure_apart

SHAPE = (28, 28, 1)


def perceptron():
    return keras_vat.classifiers.mnist_mlp(noise=0.5)


def with_fixed_numbers():
    """The same, beside two layers of 38 MB that are not trained."""
    x = keras.Input(SHAPE)
    fixed = layers.Flatten()(x)
    for units in (12_000, 10):
        fixed = layers.Dense(units, trainable=False)(fixed)
    return keras.Model(x, perceptron()(x) + fixed)


def convolutional():
    blocks = [
        layer
        for filters in (16, 32)
        for layer in (
            layers.Conv2D(filters, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
        )
    ]
    return keras.Sequential([keras.Input(SHAPE), *blocks, layers.Flatten(), layers.Dense(10)])


NETS = {
    "perceptron, 64 rows": (perceptron, 64, 200),
    "perceptron, 256 rows": (perceptron, 256, 100),
    "perceptron, 64 rows, 38 MB fixed": (with_fixed_numbers, 64, 100),
    "convolutional, 64 rows": (convolutional, 64, 100),
}


PLAIN, OURS, BY_XLA = "Keras", "VATModel", "VATModel, update by XLA"


class Clock(keras.callbacks.Callback):
    """Seconds of an epoch's first step, and of all."""

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds = time.perf_counter() - self.start
        if batch == 0:
            self.first = self.seconds


def measure(net, repeats):
    """Milliseconds of a step, of each repeat, and seconds of the very first step."""
    build, rows, steps = NETS[net]
    random = np.random.default_rng(0)
    x = random.uniform(size=(rows * steps, *SHAPE)).astype("float32")
    y = random.integers(0, 10, rows * steps)
    models = {}
    for name in (PLAIN, OURS, BY_XLA):
        if name == BY_XLA and keras.backend.backend() != "tensorflow":
            continue
        keras.utils.set_random_seed(0)
        models[name] = build() if name == PLAIN else keras_vat.VATModel(build(), [])
        models[name].compile(
            CompiledAdam() if name == BY_XLA else "adam",
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
    times, first = {name: [] for name in models}, {}
    for repeat in range(repeats + 1):
        for name, model in models.items():
            clock = Clock()
            model.fit(x, y, batch_size=rows, verbose=0, callbacks=[clock])
            if repeat:  # the first one compiles
                times[name].append(1e3 * clock.seconds / steps)
            else:
                first[name] = clock.first
    return times, first


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument(
        "--backends", nargs="+", choices=report.BACKENDS, default=[keras.backend.backend()]
    )
    parser.add_argument("--repeats", type=int, default=9, help="timed epochs of each model")
    arguments = arguments_of(parser, measure)
    rows = []
    for net in arguments.nets:
        for backend in arguments.backends:
            times, first = measure_apart(backend, [net, arguments.repeats])
            for name in times:
                spread = report.quartiles(np.array(times[name]) / np.array(times[PLAIN]))
                rows.append(
                    {
                        "net": net,
                        "backend": report.BACKENDS[backend],
                        "trained by": name,
                        "ms": float(np.median(times[name])),
                        "over Keras": spread["median"],
                        "quartiles": [round(q, 3) for q in spread["quartiles"]],
                        "first step, s": round(first[name], 2),
                    }
                )
    print(report.table(rows))
    report.save("beside_keras", rows, arguments.backends, repeats=arguments.repeats)


if __name__ == "__main__":
    main()
