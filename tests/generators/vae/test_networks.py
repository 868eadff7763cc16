import keras
import numpy as np
import pytest

from keras_vat.generators import VAE


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def output_sizes(model, kind):
    return [tuple(layer.output.shape[1:]) for layer in layers_of(model, kind)]


def test_the_default_is_table_2():
    vae = VAE((32, 32, 3))
    convolutions = keras.layers.Conv2D
    assert output_sizes(vae.encoder, convolutions) == [(16, 16, 128), (8, 8, 256), (4, 4, 512)]
    assert [layer.kernel_size for layer in layers_of(vae.encoder, convolutions)] == [(2, 2)] * 3
    activations = layers_of(vae.encoder, keras.layers.Activation)
    assert [layer.activation.__name__ for layer in activations] == ["relu", "relu", "tanh"]
    assert [tensor.shape for tensor in vae.encoder.outputs] == [(None, 128)] * 2
    assert vae.encoder.get_layer("mean").kernel.shape == (8192, 128)
    assert vae.decoder.get_layer("dense").kernel.shape == (128, 512)
    assert vae.decoder.get_layer("leaky_relu").negative_slope == pytest.approx(0.1)
    assert output_sizes(vae.decoder, keras.layers.Reshape) == [(4, 4, 32)]
    transposed = keras.layers.Conv2DTranspose
    assert output_sizes(vae.decoder, transposed) == [(8, 8, 512), (16, 16, 256), (32, 32, 128)]
    assert [layer.kernel_size for layer in layers_of(vae.decoder, transposed)] == [(2, 2)] * 3
    assert vae.decoder.get_layer("logits").kernel.shape == (1, 1, 128, 3)
    for network in (vae.encoder, vae.decoder):
        assert len(layers_of(network, keras.layers.BatchNormalization)) == 3


def test_encoder_against_float64_numpy():
    """Convolutions of stride 2 and size 2 are products with non-overlapping patches."""
    keras.utils.set_random_seed(0)
    vae = VAE((4, 4, 1), latent_dim=2, widths=(3, 5))
    x = np.random.default_rng(0).uniform(size=(2, 4, 4, 1))
    h = x
    for number, activation in ((1, lambda v: np.maximum(v, 0)), (2, np.tanh)):
        (kernel,) = vae.encoder.get_layer(f"conv_{number}").get_weights()
        n, height, width, channels = h.shape
        patches = h.reshape(n, height // 2, 2, width // 2, 2, channels).swapaxes(2, 3)
        patches = patches.reshape(n, height // 2, width // 2, -1)
        h = patches @ np.float64(kernel).reshape(-1, kernel.shape[-1])
        h = activation(h / np.sqrt(1 + 1e-3))  # fresh averages: mean 0, variance 1
    kernel, bias = vae.encoder.get_layer("mean").get_weights()
    expected = h.reshape(2, -1) @ kernel + bias
    np.testing.assert_allclose(vae.encode(x.astype("float32")), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "seen"), [((28, 28, 1), (32, 32)), ((5, 9, 3), (8, 16)), ((8, 16, 1), (8, 16))]
)
def test_other_sizes_are_padded_and_cropped(shape, seen):
    vae = VAE(shape, latent_dim=3, widths=(2, 2, 2))
    assert vae.encoder.get_layer("padding").output.shape[1:3] == seen
    assert vae.decoder.get_layer("relu_3").output.shape[1:3] == seen
    x = np.random.default_rng(0).uniform(size=(2, *shape)).astype("float32")
    assert vae.encode(x).shape == (2, 3)
    assert vae(x).shape == x.shape
    assert vae.sample(4, seed=0).shape == (4, *shape)


def test_the_padding_is_even():
    vae = VAE((28, 5, 1), latent_dim=3, widths=(2, 2, 2))
    assert vae.encoder.get_layer("padding").padding == ((2, 2), (1, 2))
    assert vae.decoder.get_layer("cropping").cropping == ((2, 2), (1, 2))
