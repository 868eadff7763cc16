import numpy as np
import pytest

from keras_vat.generators.glow.image_padding import ImagePadding


@pytest.mark.parametrize(
    ("shape", "padded", "size"),
    [((28, 28, 1), (32, 32, 1), 240), ((5, 8, 3), (8, 8, 3), 72), ((8, 16, 3), (8, 16, 3), 0)],
)
def test_adds_a_black_border_and_removes_it(shape, padded, size):
    padding = ImagePadding(shape, 8)
    assert padding.padded_shape == padded and padding.size == size
    x = np.random.default_rng(0).uniform(0.1, 1.0, size=(2, *shape)).astype("float32")
    y = np.asarray(padding.add(x))
    assert y.shape == (2, *padded)
    assert np.sum(y == 0.0) == 2 * size
    np.testing.assert_array_equal(padding.remove(y), x)


def test_border_is_even_on_both_sides():
    y = np.asarray(ImagePadding((28, 27, 1), 8).add(np.ones((1, 28, 27, 1), "float32")))
    np.testing.assert_array_equal(np.nonzero(y[0, 16, :, 0])[0], np.arange(2, 29))
    np.testing.assert_array_equal(np.nonzero(y[0, :, 16, 0])[0], np.arange(2, 30))
