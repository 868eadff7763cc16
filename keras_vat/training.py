"""The training step of the backend that Keras runs on."""

import keras

if keras.backend.backend() == "jax":
    from keras_vat.jax_training import JAXTraining as Training
else:
    from keras_vat.tensorflow_training import TensorFlowTraining as Training

__all__ = ["Training"]
