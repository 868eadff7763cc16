"""Export to TensorFlow Serving."""

from keras_vat.serving.export_for_serving import export_for_serving

__all__ = ["export_for_serving"]


def __dir__():
    return __all__
