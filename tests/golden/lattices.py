"""Examples on lattices and classifiers of them, in float64."""

import keras
import numpy as np
from golden.tanh_net import tanh
from keras import ops


def float64(values):
    return ops.convert_to_tensor(values, "float64")


def linear_softmax(shape, classes=4):
    """A linear softmax model in float64 with its matrix."""
    rng = np.random.default_rng(5)
    classifier = keras.Sequential(
        [
            keras.Input(shape, dtype="float64"),
            keras.layers.Flatten(dtype="float64"),
            keras.layers.Dense(classes, dtype="float64"),
        ]
    )
    matrix = 0.1 * rng.normal(size=(int(np.prod(shape)), classes))
    classifier.set_weights([matrix, rng.normal(size=classes)])
    return classifier, matrix


def batch(shape, rows=6, classes=4):
    rng = np.random.default_rng(6)
    return float64(rng.normal(size=(rows, *shape))), rng.integers(0, classes, rows)


def convolutional_net(shape):
    keras.utils.set_random_seed(2)
    layers = [
        keras.layers.Conv2D(3, 3, activation=tanh, padding="same", dtype="float64"),
        keras.layers.Flatten(dtype="float64"),
        keras.layers.Dense(3, dtype="float64"),
    ]
    return keras.Sequential([keras.Input(shape, dtype="float64"), *layers])
