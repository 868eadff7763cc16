"""A small VAE and its images."""

import keras
import numpy as np
from golden.quick import QUICK, TRACED

from keras_vat.generators import VAE

X = np.random.default_rng(0).uniform(size=(12, 8, 8, 1)).astype("float32")


def make(quick=TRACED, **arguments):
    keras.utils.set_random_seed(0)
    vae = VAE(**{"input_shape": (8, 8, 1), "latent_dim": 3, "widths": (4, 6), **arguments})
    vae.compile(keras.optimizers.Adam(1e-2), **quick)
    return vae


def trained(**arguments):
    """After a few steps, without the seconds that tracing takes."""
    vae = make(QUICK, **arguments)
    vae.fit(X, epochs=2, batch_size=6, shuffle=False, verbose=0)
    return vae
