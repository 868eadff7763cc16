"""What double backpropagation costs in each kind of layer of Conv-Large.

Virtual movement training differentiates the input gradient again. By the count of passes that
makes a step 2.0 times as long as plain training: beside the forward pass and the gradients to
inputs and weights (3) come the gradient to the inputs that moves the positions (its forward pass
is shared: 1 more) and the ways back through it, to the weights and to where it came from (2
more). Each layer is timed alone, on what comes into it, plain and doubled in turn within one
process; the times of layers of a kind are added. Half a minute on two cores.

    python -m benchmarks.speed.double_backpropagation
"""

import argparse
import time
from collections import defaultdict

import keras
import numpy as np
import tensorflow as tf

from benchmarks import report
from keras_vat.classifiers import conv_large


def plain(layer):
    """Gradients of sum(c layer(x)) to the layer's inputs and weights."""

    def function(x, c, v):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, [x, *layer.trainable_variables], output_gradients=c)

    return tf.function(function)


def doubled(layer):
    """The same of sum(c layer(x)) + sum(v g), g its gradient to x, and the gradient to c."""

    def function(x, c, v):
        with tf.GradientTape() as outer:
            outer.watch([x, c])
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = layer(x, training=True)
            g = inner.gradient(y, x, output_gradients=c)
        sources = [x, c, *layer.trainable_variables]
        return outer.gradient([y, g], sources, [c, v], unconnected_gradients="zero")

    return tf.function(function)


def timed_layers(rows, repeats):
    """Seconds of every layer, plain and doubled: pairs of a layer and two lists."""
    x = np.random.default_rng(0).normal(size=(rows, 32, 32, 3)).astype("float32")
    x = tf.convert_to_tensor(x)
    for layer in conv_large().layers[1:]:
        y = layer(x, training=True)
        functions, times = (plain(layer), doubled(layer)), ([], [])
        for repeat in range(repeats + 1):
            for function, found in zip(functions, times, strict=True):
                start = time.perf_counter()
                tf.nest.map_structure(lambda t: t.numpy(), function(x, tf.ones_like(y), x))
                if repeat:  # the first one traces
                    found.append(time.perf_counter() - start)
        yield layer, times
        x = y


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()

    keras.utils.set_random_seed(0)
    kinds = defaultdict(list)
    for layer, times in timed_layers(arguments.rows, arguments.repeats):
        kinds[type(layer).__name__].append([np.median(found) for found in times])
    kinds = {kind: 1e3 * np.sum(found, axis=0) for kind, found in kinds.items()}
    kinds["all"] = sum(kinds.values())
    rows = [
        {
            "layers": kind,
            "plain, ms": before,
            "doubled, ms": after,
            "ratio": after / before,
            "above the count, % of a plain step": 100 * (after - 2 * before) / kinds["all"][0],
        }
        for kind, (before, after) in kinds.items()
    ]
    print(report.table(rows))
    report.save(
        "double_backpropagation", rows, rows_of_batch=arguments.rows, repeats=arguments.repeats
    )


if __name__ == "__main__":
    main()
