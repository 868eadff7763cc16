"""The decoder of the VAE: latent vectors to the logits of pixels."""

import keras
from keras import layers

from keras_vat.generators.vae.normalization import batch_normalization

_FIRST_CHANNELS = 32


def decoder(image_shape, padding, latent_dim, widths, dtype, parameter_dtype):
    """Builds the right column of table 2.

        dense to 32 channels of the smallest size (4 x 4 for 32 x 32), leaky ReLU of slope 0.1
        2x2 transposed convolutions of stride 2, batch normalisation, ReLU
        1x1 convolution                             logits of the pixels

    The table's sigmoid is left to the caller: likelihoods of logits are exact where it saturates.
    Its last line has 128 channels, which can only be those of the images.

    Args:
        image_shape: `(height, width, channels)`.
        padding: `((top, bottom), (left, right))`: what is cropped from the result.
        latent_dim: Size of z.
        widths: Number of filters of each convolution, in the encoder's order.
        dtype: Dtype policy of the layers.
        parameter_dtype: Dtype of the latents and the logits.

    Returns:
        A functional `keras.Model`: `(batch, latent_dim)` -> `(batch, height, width, channels)`.
    """
    height, width = (
        (size + sum(added)) // 2 ** len(widths)
        for size, added in zip(image_shape[:2], padding, strict=True)
    )
    first_shape = (height, width, _FIRST_CHANNELS)
    inputs = keras.Input((latent_dim,), dtype=parameter_dtype, name="latents")
    x = layers.Dense(height * width * _FIRST_CHANNELS, dtype=dtype, name="dense")(inputs)
    x = layers.LeakyReLU(negative_slope=0.1, dtype=dtype, name="leaky_relu")(x)
    x = layers.Reshape(first_shape, dtype=dtype, name="reshape")(x)
    for number, filters in enumerate(reversed(widths), start=1):
        x = layers.Conv2DTranspose(
            filters, 2, strides=2, use_bias=False, dtype=dtype, name=f"deconv_{number}"
        )(x)
        x = batch_normalization(number, dtype)(x)
        x = layers.ReLU(dtype=dtype, name=f"relu_{number}")(x)
    x = layers.Conv2D(image_shape[-1], 1, dtype=parameter_dtype, name="logits")(x)
    outputs = layers.Cropping2D(padding, dtype=parameter_dtype, name="cropping")(x)
    return keras.Model(inputs, outputs, name="decoder")
