"""Which perturbation r a method adds to its inputs."""

from keras_vat.perturbations.adversarial_perturbation import AdversarialPerturbation
from keras_vat.perturbations.latent_virtual_adversarial_perturbation import (
    LatentVirtualAdversarialPerturbation,
)
from keras_vat.perturbations.perturbation import Perturbation
from keras_vat.perturbations.random_perturbation import RandomPerturbation
from keras_vat.perturbations.virtual_adversarial_perturbation import (
    VirtualAdversarialPerturbation,
)

__all__ = [
    "AdversarialPerturbation",
    "LatentVirtualAdversarialPerturbation",
    "Perturbation",
    "RandomPerturbation",
    "VirtualAdversarialPerturbation",
]


def __dir__():
    return __all__
