"""One regularizer per method of the papers."""

from keras_vat.regularizers.adversarial_training import AdversarialTraining
from keras_vat.regularizers.entropy_minimization import EntropyMinimization
from keras_vat.regularizers.fast_adversarial_training import FastAdversarialTraining
from keras_vat.regularizers.latent_virtual_adversarial_training import (
    LatentVirtualAdversarialTraining,
)
from keras_vat.regularizers.random_perturbation_training import RandomPerturbationTraining
from keras_vat.regularizers.registry import get, register
from keras_vat.regularizers.regularizer import Regularizer
from keras_vat.regularizers.virtual_adversarial_training import VirtualAdversarialTraining
from keras_vat.regularizers.virtual_movement_training import VirtualMovementTraining

__all__ = [
    "AdversarialTraining",
    "EntropyMinimization",
    "FastAdversarialTraining",
    "LatentVirtualAdversarialTraining",
    "RandomPerturbationTraining",
    "Regularizer",
    "VirtualAdversarialTraining",
    "VirtualMovementTraining",
    "get",
    "register",
]


def __dir__():
    return __all__
