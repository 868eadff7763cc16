"""What `jit_compile="auto"` means where TensorFlow has only CPUs."""

import keras
from keras import layers

# Measured by benchmarks/compilation.py. Convolutions and the random numbers of Keras's noise and
# dropout layers are slower under XLA on a CPU; steps of wide dense layers are faster, since the
# optimizer and all that goes element by element are fused.
_FASTER = (
    layers.InputLayer,
    layers.Flatten,
    layers.Dense,
    layers.BatchNormalization,
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.Softmax,
)
_MIN_WEIGHTS = 1_000_000  # of fewer, compiling costs more seconds than thousands of steps gain


def pays(classifier, regularizers):
    """Whether XLA makes training steps on a CPU faster.

    Keras never compiles by XLA where there are only CPUs. `VATModel` does for Sequential and
    functional classifiers of dense layers with a million weights and more, unless a regularizer
    goes through a generator.

    Args:
        classifier: A Keras model.
        regularizers: List of regularizers.
    """
    return (
        classifier.built
        and all(type(operation) in _FASTER for operation in operations(classifier))
        and classifier.count_params() >= _MIN_WEIGHTS
        and not any(hasattr(regularizer, "generator") for regularizer in regularizers)
    )


def operations(classifier):
    """Layers and operations of a Sequential or functional model; of another, the model itself."""
    if isinstance(classifier, keras.Sequential):
        return classifier.layers
    return getattr(classifier, "operations", [classifier])
