"""What a method sees of the classifier: its passes, its output, its masks and its inputs."""

from keras_vat.forward.forward import Forward

__all__ = ["Forward"]


def __dir__():
    return __all__
