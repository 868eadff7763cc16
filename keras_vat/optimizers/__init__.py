"""The papers' optimizer and learning rate schedules."""

from keras_vat.optimizers.beta_switch_adam import BetaSwitchAdam
from keras_vat.optimizers.constant_then_linear_decay import ConstantThenLinearDecay
from keras_vat.optimizers.mnist_decay import mnist_decay

__all__ = ["BetaSwitchAdam", "ConstantThenLinearDecay", "mnist_decay"]


def __dir__():
    return __all__
