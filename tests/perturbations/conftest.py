"""Classifiers that the tests of perturbations share."""

import keras
import pytest
from golden.tanh_net import TanhNet


@pytest.fixture(scope="module")
def net():
    return TanhNet()


@pytest.fixture(scope="module")
def model(net):
    return net.keras_model()


@pytest.fixture(scope="module")
def image_model():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    stack = [layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Dense(3)]
    return keras.Sequential([keras.Input((6, 4, 2)), *stack])
