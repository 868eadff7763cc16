"""Callbacks: warm-ups of a regularizer's numbers, monitors, BatchNorm re-estimation."""

from keras_vat.callbacks.alpha_warmup import AlphaWarmup
from keras_vat.callbacks.batch_norm_reestimation import BatchNormReestimation
from keras_vat.callbacks.epsilon_warmup import EpsilonWarmup
from keras_vat.callbacks.lambda_warmup import LambdaWarmup
from keras_vat.callbacks.smoothness_monitor import SmoothnessMonitor
from keras_vat.callbacks.warmup import Warmup

__all__ = [
    "AlphaWarmup",
    "BatchNormReestimation",
    "EpsilonWarmup",
    "LambdaWarmup",
    "SmoothnessMonitor",
    "Warmup",
]
