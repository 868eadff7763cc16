"""Callbacks: warm-ups, monitors, BatchNorm re-estimation, pictures, TensorBoard summaries."""

from keras_vat.callbacks.alpha_warmup import AlphaWarmup
from keras_vat.callbacks.batch_norm_reestimation import BatchNormReestimation
from keras_vat.callbacks.epsilon_warmup import EpsilonWarmup
from keras_vat.callbacks.generator_pictures import GeneratorPictures
from keras_vat.callbacks.lambda_warmup import LambdaWarmup
from keras_vat.callbacks.perturbation_summary import PerturbationSummary
from keras_vat.callbacks.prior_warmup import PriorWarmup
from keras_vat.callbacks.robustness_monitor import RobustnessMonitor
from keras_vat.callbacks.smoothness_monitor import SmoothnessMonitor
from keras_vat.callbacks.warmup import Warmup

__all__ = [
    "AlphaWarmup",
    "BatchNormReestimation",
    "EpsilonWarmup",
    "GeneratorPictures",
    "LambdaWarmup",
    "PerturbationSummary",
    "PriorWarmup",
    "RobustnessMonitor",
    "SmoothnessMonitor",
    "Warmup",
]


def __dir__():
    return __all__
