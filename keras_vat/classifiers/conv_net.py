"""The nine-convolution network that Conv-Small and Conv-Large are two widths of."""

import keras
from keras import layers

from keras_vat.classifiers.normalization import batch_normalization


def conv_net(filters, num_classes, top_batch_norm, name):
    """Builds the network of table 6.

        three 3x3 convolutions, 2x2 max pooling, dropout 0.5       32 x 32
        three 3x3 convolutions, 2x2 max pooling, dropout 0.5       16 x 16
        one 3x3 convolution without padding, two 1x1               8 x 8 -> 6 x 6
        global average pooling, dense                              logits

    Convolutions have no bias and are followed by batch normalisation and leaky ReLU of slope 0.1.

    Args:
        filters: Nine numbers of filters.
        num_classes: Number of classes.
        top_batch_norm: Whether the logits are normalised, too.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: `(batch, 32, 32, 3)` -> logits `(batch, num_classes)`.
    """
    inputs = keras.Input((32, 32, 3), name="images")
    x = inputs
    for number, width in enumerate(filters, start=1):
        x = layers.Conv2D(
            width,
            kernel_size=3 if number <= 7 else 1,
            padding="valid" if number == 7 else "same",
            use_bias=False,
            kernel_initializer="he_normal",  # truncated normal
            name=f"conv_{number}",
        )(x)
        x = batch_normalization(f"normalization_{number}")(x)
        x = layers.LeakyReLU(negative_slope=0.1, name=f"leaky_relu_{number}")(x)
        if number in (3, 6):
            x = layers.MaxPooling2D(pool_size=2, strides=2, name=f"pool_{number}")(x)
            x = layers.Dropout(0.5, name=f"dropout_{number}")(x)
    x = layers.GlobalAveragePooling2D(name="global_pool")(x)
    # Logits stay in float32 under mixed precision.
    x = layers.Dense(
        num_classes,
        kernel_initializer="he_normal",
        dtype="float32",
        name="unnormalized_logits" if top_batch_norm else "logits",
    )(x)
    if top_batch_norm:
        x = batch_normalization("logits", dtype="float32")(x)
    return keras.Model(inputs, x, name=name)
