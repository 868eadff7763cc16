"""The variational auto-encoder of latent-space virtual adversarial training."""

from keras_vat.generators.vae.vae import VAE

__all__ = ["VAE"]


def __dir__():
    return __all__
