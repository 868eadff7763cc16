"""The Glow normalizing flow, one invertible idea per file."""

from keras_vat.generators.glow.glow import Glow

__all__ = ["Glow"]


def __dir__():
    return __all__
