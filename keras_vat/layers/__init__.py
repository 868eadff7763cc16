"""Layers: a frozen generator as a way to perturb images."""

from keras_vat.layers.latent_perturbation import LatentPerturbation

__all__ = ["LatentPerturbation"]


def __dir__():
    return __all__
