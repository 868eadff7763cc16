"""Numbers that say how smooth and robust a classifier is, and how faithful a generator."""

from keras_vat.evaluation.gradient_noise import gradient_noise
from keras_vat.evaluation.local_distributional_smoothness import local_distributional_smoothness
from keras_vat.evaluation.perturbation_statistics import (
    PerturbationStatistics,
    perturbation_statistics,
)
from keras_vat.evaluation.reconstruction_error import reconstruction_error
from keras_vat.evaluation.robustness_curve import RobustnessCurve, robustness_curve

__all__ = [
    "PerturbationStatistics",
    "RobustnessCurve",
    "gradient_noise",
    "local_distributional_smoothness",
    "perturbation_statistics",
    "reconstruction_error",
    "robustness_curve",
]


def __dir__():
    return __all__
