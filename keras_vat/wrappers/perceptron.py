"""The classifier that `VATClassifier` has for whoever brings none."""

import keras

HIDDEN_UNITS = (128, 128)


def perceptron(input_shape, num_classes, seed):
    """A perceptron of two hidden layers, each normalised, that ends in logits.

    Args:
        input_shape: Shape of one row.
        num_classes: Number of logits.
        seed: Integer: the same one gives the same weights, whatever the global seeds are.
    """
    layers = [keras.Input(input_shape, name="row"), keras.layers.Flatten(name="flatten")]
    for number, units in enumerate(HIDDEN_UNITS):
        initializer = keras.initializers.HeNormal(seed + number)
        layers += [
            keras.layers.Dense(units, kernel_initializer=initializer, name=f"hidden_{number}"),
            keras.layers.LayerNormalization(name=f"normalized_{number}"),
            keras.layers.Activation("relu", name=f"activation_{number}"),
        ]
    last = keras.initializers.GlorotUniform(seed + len(HIDDEN_UNITS))
    layers.append(keras.layers.Dense(num_classes, kernel_initializer=last, name="logits"))
    return keras.Sequential(layers, name="perceptron")
