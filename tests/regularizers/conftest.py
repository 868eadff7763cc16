"""Any registered regularizer, made from what its constructor asks for."""

import inspect

import keras
import pytest

import keras_vat
from keras_vat.regularizers.registry import REGULARIZERS


@keras.saving.register_keras_serializable(package="tests")
class Doubling(keras.layers.Layer):
    """The simplest generator: the latent is twice the image."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def call(self, x):
        return x

    def encode(self, x):
        return 2.0 * x

    def decode(self, z):
        return 0.5 * z


# What a constructor asks for, by the name of the argument.
REQUIRED = {"epsilon": lambda: 0.5, "radius": lambda: 0.3, "generator": Doubling}


@pytest.fixture
def make():
    """Makes a regularizer with nothing but what its constructor asks for."""

    def make(method, seed=1, **arguments):
        parameters = inspect.signature(REGULARIZERS[method].__init__).parameters
        needed = {
            name: REQUIRED[name]()
            for name, parameter in parameters.items()
            if parameter.default is parameter.empty and name in REQUIRED
        }
        return keras_vat.regularizers.get(method, seed=seed, **{**needed, **arguments})

    return make
