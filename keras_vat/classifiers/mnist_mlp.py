"""The fully connected network of the VAT papers' MNIST experiments."""

import keras
from keras import layers

from keras_vat import arguments
from keras_vat.classifiers.normalization import batch_normalization

_HIDDEN_UNITS = (1200, 600, 300, 150)


def mnist_mlp(
    noise: float = 0.0, input_shape: tuple[int, ...] = (28, 28, 1), dropout: float = 0.0
) -> keras.Model:
    """Builds the MLP with four hidden layers of 1200, 600, 300 and 150 units.

    Each is linear, batch normalisation, ReLU. The linear maps have no bias: the normalisation
    that follows would take it out again.

    Args:
        noise: Standard deviation of the Gaussian noise added to each hidden layer's output
            during training; the papers use 0.5 for semi-supervised training. Defaults to `0.0`.
        input_shape: Shape of one input, flattened first. Defaults to `(28, 28, 1)`.
        dropout: Share of each hidden layer's outputs that is dropped during training, in [0, 1):
            what the papers' regularizers are compared with. Defaults to `0.0`.

    Returns:
        A functional `keras.Model`: `(batch, *input_shape)` -> logits `(batch, 10)`, of `float32`
        also under mixed precision.

    Raises:
        TypeError: If `input_shape` is no tuple of sizes.
        ValueError: If `noise` is negative, or `dropout` not in [0, 1).

    Example:

    ```python
    from keras_vat.classifiers import mnist_mlp

    classifier = mnist_mlp(noise=0.5)
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), section 4.1.1,
    appendices A and C.
    """
    noise = arguments.non_negative("noise", noise)
    dropout = arguments.fraction("dropout", dropout)
    inputs = keras.Input(arguments.shape("input_shape", input_shape), name="images")
    x = layers.Flatten(name="flatten")(inputs)
    for number, units in enumerate(_HIDDEN_UNITS, start=1):
        x = layers.Dense(
            units, use_bias=False, kernel_initializer="he_normal", name=f"dense_{number}"
        )(x)
        x = batch_normalization(f"normalization_{number}")(x)
        x = layers.ReLU(name=f"relu_{number}")(x)
        if noise > 0.0:
            x = layers.GaussianNoise(noise, name=f"noise_{number}")(x)
        if dropout > 0.0:
            x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
    logits = layers.Dense(10, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="mnist_mlp")
