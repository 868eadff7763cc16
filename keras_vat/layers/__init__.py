"""Layers: a frozen generator as a way to perturb images."""

from keras_vat.layers.latent_perturbation import LatentPerturbation

__all__ = ["LatentPerturbation"]
