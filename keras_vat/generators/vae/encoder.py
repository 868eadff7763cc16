"""The encoder of the VAE: images to the parameters of a normal distribution."""

import keras
from keras import layers

from keras_vat.generators.vae.normalization import batch_normalization


def encoder(image_shape, padding, latent_dim, widths, dtype, parameter_dtype):
    """Builds the left column of table 2.

        2x2 convolutions of stride 2, batch normalisation, ReLU; tanh after the last
        dense                                       mean and log variance of q(z | x)

    Convolutions have no bias: the normalisation would take it out again.

    Args:
        image_shape: `(height, width, channels)`.
        padding: `((top, bottom), (left, right))`: zeros around the images.
        latent_dim: Size of z.
        widths: Number of filters of each convolution.
        dtype: Dtype policy of the layers.
        parameter_dtype: Dtype of the images, the means and log variances.

    Returns:
        A functional `keras.Model`: `(batch, height, width, channels)` -> mean and log variance,
        each `(batch, latent_dim)`.
    """
    inputs = keras.Input(image_shape, dtype=parameter_dtype, name="images")
    x = layers.ZeroPadding2D(padding, dtype=dtype, name="padding")(inputs)
    for number, width in enumerate(widths, start=1):
        x = layers.Conv2D(width, 2, strides=2, use_bias=False, dtype=dtype, name=f"conv_{number}")(
            x
        )
        x = batch_normalization(number, dtype)(x)
        activation = "relu" if number < len(widths) else "tanh"
        x = layers.Activation(activation, dtype=dtype, name=f"{activation}_{number}")(x)
    x = layers.Flatten(dtype=dtype, name="flatten")(x)
    mean = layers.Dense(latent_dim, dtype=parameter_dtype, name="mean")(x)
    log_variance = layers.Dense(latent_dim, dtype=parameter_dtype, name="log_variance")(x)
    return keras.Model(inputs, [mean, log_variance], name="encoder")
