"""Generators: images to a latent space and back."""

from keras_vat.generators.bijector_generator import BijectorGenerator
from keras_vat.generators.generator import Generator
from keras_vat.generators.glow import Glow
from keras_vat.generators.vae import VAE

__all__ = ["VAE", "BijectorGenerator", "Generator", "Glow"]


def __dir__():
    return __all__
