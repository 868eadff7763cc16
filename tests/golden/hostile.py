"""Inputs and classifiers of the unlucky kinds, for tests that draw them."""

import keras
import numpy as np

INPUTS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "zeros": lambda rng, shape: np.zeros(shape),
    "constant": lambda rng, shape: np.full(shape, 3.0),
    "one row again and again": lambda rng, shape: np.broadcast_to(
        rng.normal(size=shape[1:]), shape
    ),
    "tiny": lambda rng, shape: 1e-20 * rng.normal(size=shape),
    "large": lambda rng, shape: 1e4 * rng.normal(size=shape),
}

# Factor of the weights of the last layer.
LOGITS = {"ordinary": 1.0, "saturated": 1e5, "identical": 0.0}


def inputs(kind, rows, shape, seed=0):
    """`(rows, *shape)` of float32."""
    drawn = INPUTS[kind](np.random.default_rng(seed), (rows, *shape))
    return np.array(drawn, "float32")


def classifier(shape, logits="ordinary", dtype=None, batch_norm=False, activation=None):
    """Three classes behind a layer of five units."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(dtype=dtype), keras.layers.Dense(5, "tanh", dtype=dtype)]
    layers += [keras.layers.BatchNormalization(dtype=dtype)] if batch_norm else []
    last = keras.layers.Dense(3, activation, dtype=dtype)
    model = keras.Sequential([keras.Input(shape), *layers, last])
    last.set_weights([LOGITS[logits] * weight for weight in last.get_weights()])
    return model
