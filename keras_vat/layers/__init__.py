"""Layers: an embedding to perturb, and a frozen generator as a way to perturb images."""

from keras_vat.layers.latent_perturbation import LatentPerturbation
from keras_vat.layers.normalized_embedding import NormalizedEmbedding

__all__ = ["LatentPerturbation", "NormalizedEmbedding"]


def __dir__():
    return __all__
