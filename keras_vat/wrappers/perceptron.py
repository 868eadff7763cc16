"""The classifier that `VATClassifier` has for whoever brings none."""

import keras

HIDDEN_UNITS = (128, 128)


def perceptron(input_shape, num_classes, seed):
    """A perceptron of two hidden layers that ends in logits.

    Args:
        input_shape: Shape of one row.
        num_classes: Number of logits.
        seed: Integer: the same one gives the same weights, whatever the global seeds are.
    """
    layers = [keras.Input(input_shape, name="row"), keras.layers.Flatten(name="flatten")]
    for number, units in enumerate(HIDDEN_UNITS):
        hidden = keras.initializers.HeNormal(seed + number)
        layers.append(
            keras.layers.Dense(units, "relu", kernel_initializer=hidden, name=f"hidden_{number}")
        )
    last = keras.initializers.GlorotUniform(seed + len(HIDDEN_UNITS))
    layers.append(keras.layers.Dense(num_classes, kernel_initializer=last, name="logits"))
    return keras.Sequential(layers, name="perceptron")
