"""The fully connected network of virtual movement training's synthetic experiment."""

import keras
from keras import layers

from keras_vat import arguments
from keras_vat.classifiers.normalization import batch_normalization


def sine_wave_mlp(input_shape: tuple[int, ...] = (100, 1), dropout: float = 0.0) -> keras.Model:
    """Builds the MLP with two hidden layers of 128 units for `data.sine_waves`.

    Each is linear, batch normalisation, ReLU.

    Args:
        input_shape: Shape of one signal, flattened first. Defaults to `(100, 1)`.
        dropout: Share of each hidden layer's outputs that is dropped during training, in [0, 1):
            what the paper's regularizers are compared with. Defaults to `0.0`.

    Returns:
        A functional `keras.Model`: `(batch, *input_shape)` -> logits `(batch, 2)`, of `float32`
        also under mixed precision.

    Raises:
        TypeError: If `input_shape` is no tuple of sizes.
        ValueError: If `dropout` is not in [0, 1).

    Example:

    ```python
    from keras_vat.classifiers import sine_wave_mlp

    classifier = sine_wave_mlp()
    ```

    Reference: "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous,
    2018), section 4.1.
    """
    dropout = arguments.fraction("dropout", dropout)
    inputs = keras.Input(arguments.shape("input_shape", input_shape), name="signals")
    x = layers.Flatten(name="flatten")(inputs)
    for number in (1, 2):
        x = layers.Dense(
            128, use_bias=False, kernel_initializer="he_normal", name=f"dense_{number}"
        )(x)
        x = batch_normalization(f"normalization_{number}")(x)
        x = layers.ReLU(name=f"relu_{number}")(x)
        if dropout > 0.0:
            x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
    logits = layers.Dense(2, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="sine_wave_mlp")
