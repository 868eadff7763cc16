"""A table of three groups of points with few labels, and an estimator that learns them fast."""

import types

import keras
import numpy as np
import pytest

from keras_vat.wrappers import VATClassifier


@pytest.fixture(scope="session")
def table():
    """90 rows `x` of 4 numbers with the classes `true`, of which `y` knows 12."""
    rng = np.random.default_rng(0)
    true = np.arange(90) % 3
    x = rng.normal(3.0 * np.eye(3, 4)[true], 0.7).astype("float32")
    y = np.where(np.arange(90) < 12, true, -1)
    return types.SimpleNamespace(x=x, y=y, true=true)


@pytest.fixture
def make():
    """Makes a `VATClassifier` that needs few updates."""

    def make(model=None, **parameters):
        settings = {"optimizer": keras.optimizers.Adam(0.01), "updates": 40, "random_state": 0}
        return VATClassifier(model, **{**settings, **parameters})

    return make


def small(input_shape, num_classes):
    """A model of a user's, which draws its weights and its noise from global seeds."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.2)]
    return keras.Sequential(
        [keras.Input(input_shape), *layers, keras.layers.Dense(num_classes, "softmax")]
    )


@pytest.fixture(name="small")
def small_fixture():
    return small
