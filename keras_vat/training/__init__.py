"""The training step of the backend that Keras runs on."""

import keras

if keras.backend.backend() == "jax":
    from keras_vat.training.jax_training import JAXTraining as Training
else:
    from keras_vat.training.tensorflow_training import TensorFlowTraining as Training

__all__ = ["Training"]


def __dir__():
    return __all__
