"""The papers' networks and their published training settings."""

from keras_vat.classifiers.conv_large import conv_large
from keras_vat.classifiers.conv_small import conv_small
from keras_vat.classifiers.mnist_mlp import mnist_mlp
from keras_vat.classifiers.sine_wave_mlp import sine_wave_mlp

__all__ = ["conv_large", "conv_small", "mnist_mlp", "sine_wave_mlp"]


def __dir__():
    return __all__
