"""Generators of the kinds that users bring, for images of 4x4."""

import keras
import numpy as np

from keras_vat.generators import VAE

SHAPE = (4, 4, 1)
RNG = np.random.default_rng(0)
X = RNG.uniform(size=(6, *SHAPE)).astype("float32")
Y = RNG.integers(0, 3, 6)


class Identity:
    def encode(self, x):
        return x

    def decode(self, z):
        return z


class Doubling:
    def forward(self, z):
        return 2.0 * z

    def inverse(self, x):
        return x / 2.0


class Linear:
    """z = E x in two parts of 5 and 3 numbers, x = D z."""

    encoder = RNG.normal(size=(16, 8)).astype("float32")
    decoder = RNG.normal(size=(8, 16)).astype("float32")

    def encode(self, x):
        z = keras.ops.reshape(x, (-1, 16)) @ self.encoder
        return [z[:, :5], z[:, 5:]]

    def decode(self, z):
        return keras.ops.reshape(keras.ops.concatenate(z, axis=1) @ self.decoder, (-1, *SHAPE))


class Careless:
    """Has state that moves in training mode, and says nothing about the mode."""

    def __init__(self):
        self.norm = keras.layers.BatchNormalization()
        self.dropout = keras.layers.Dropout(0.5)
        self.draws = keras.random.SeedGenerator(0)
        self.norm.build((None, *SHAPE))

    @property
    def state(self):
        return [*self.norm.variables, *self.dropout.variables, self.draws.state]

    def encode(self, x):
        return self.norm(x)

    def decode(self, z):
        return self.dropout(z) + 0.0 * keras.random.normal((1,), seed=self.draws)


@keras.saving.register_keras_serializable(package="tests")
class Autoencoder(keras.Model):
    """A user's own Keras generator, which knows no `freeze`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.into, self.out = keras.layers.Dense(2), keras.layers.Dense(1)
        self.norm = keras.layers.BatchNormalization()

    def build(self, input_shape):
        self.into.build((None, 4, 4, 1))
        self.norm.build((None, 4, 4, 2))
        self.out.build((None, 4, 4, 2))

    def encode(self, x):
        return self.norm(self.into(x))

    def decode(self, z):
        return self.out(z)


def fresh_vae():
    keras.utils.set_random_seed(0)
    vae = VAE(SHAPE, latent_dim=3, widths=(4, 6))
    for weight in vae.weights:  # anything but the start, averages included
        if weight.ndim:
            weight.assign(weight.value + RNG.uniform(0.05, 0.3, weight.shape))
    return vae


def build(model):
    keras.utils.set_random_seed(0)
    model.build((None, *SHAPE))
    model.built = True
    return model
