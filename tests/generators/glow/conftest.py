"""A small flow whose weights are not those it starts with."""

import keras
import numpy as np
import pytest

from keras_vat.generators import Glow


@pytest.fixture
def images():
    """Makes images with values in [0, 1], the same each time."""

    def make(*shape, dtype="float32"):
        return np.random.default_rng(1).uniform(size=shape).astype(dtype)

    return make


@pytest.fixture
def make_glow():
    """Makes a flow; with `random`, every weight is moved away from where it starts."""

    def make(input_shape=(8, 12, 1), random=True, **settings):
        keras.utils.set_random_seed(0)
        settings = {"num_levels": 2, "num_steps": 3, "width": 8, "seed": 0, **settings}
        glow = Glow(input_shape, **settings)
        rng = np.random.default_rng(2)
        for weight in glow.trainable_weights if random else ():
            weight.assign(np.asarray(weight.value) + 0.05 * rng.normal(size=weight.shape))
        return glow

    return make
