import numpy as np

from keras_vat.generators.glow.factor_out import factor_out, take_back
from keras_vat.generators.glow.squeeze import squeeze, unsqueeze


def test_blocks_of_pixels_become_channels():
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3).astype("float32")
    y = np.asarray(squeeze(x))
    assert y.shape == (2, 2, 3, 12)
    for row in range(2):
        for column in range(3):
            block = x[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            np.testing.assert_array_equal(y[:, row, column], block.reshape(2, 12))
    np.testing.assert_array_equal(unsqueeze(y), x)


def test_half_of_the_channels_are_factored_out():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    rest, latent = factor_out(x)
    np.testing.assert_array_equal(rest, x[..., :2])
    np.testing.assert_array_equal(latent, x[..., 2:])
    np.testing.assert_array_equal(take_back(rest, latent), x)
