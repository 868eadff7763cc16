"""Derivatives, noise and replicas on the backend that Keras runs on."""

import keras

if keras.backend.backend() == "tensorflow":
    from keras_vat.autodiff.tensorflow_autodiff import (
        LAYERS_WORK_IN_PIPELINES,
        NOT_AN_ARRAY,
        OPERATIONS_COMPILE_APART,
        Linearization,
        compiled,
        concrete_value,
        gradient,
        is_symbolic,
        num_replicas,
        repeat,
        replica_id,
        sync_variables,
        widest_float,
    )
    from keras_vat.autodiff.tensorflow_noise import normal
elif keras.backend.backend() == "jax":
    from keras_vat.autodiff.jax_autodiff import (
        LAYERS_WORK_IN_PIPELINES,
        NOT_AN_ARRAY,
        OPERATIONS_COMPILE_APART,
        Linearization,
        compiled,
        concrete_value,
        gradient,
        is_symbolic,
        num_replicas,
        repeat,
        replica_id,
        sync_variables,
        widest_float,
    )
    from keras_vat.autodiff.jax_noise import normal
else:
    raise ImportError(
        "keras_vat runs on TensorFlow and on JAX. Received: Keras's backend "
        f"'{keras.backend.backend()}'. Set the environment variable KERAS_BACKEND to 'tensorflow' "
        "or 'jax' before Keras is imported."
    )

__all__ = [
    "LAYERS_WORK_IN_PIPELINES",
    "NOT_AN_ARRAY",
    "OPERATIONS_COMPILE_APART",
    "Linearization",
    "compiled",
    "concrete_value",
    "gradient",
    "is_symbolic",
    "normal",
    "num_replicas",
    "repeat",
    "replica_id",
    "sync_variables",
    "widest_float",
]


def __dir__():
    return __all__
