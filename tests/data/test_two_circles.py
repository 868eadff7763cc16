import numpy as np
import pytest

from keras_vat.data import two_circles


def test_without_noise_points_lie_on_two_circles():
    x, y = two_circles(n=100, noise=0.0, factor=0.3)
    assert x.shape == (100, 2) and x.dtype == np.float32 and y.dtype == np.int32
    np.testing.assert_allclose(np.linalg.norm(x[y == 0], axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(x[y == 1], axis=1), 0.3, rtol=1e-5)


def test_the_seed_decides():
    np.testing.assert_array_equal(two_circles(20, seed=1)[0], two_circles(20, seed=1)[0])
    assert (two_circles(20, seed=1)[0] != two_circles(20, seed=2)[0]).any()


def test_factor_outside_zero_and_one_is_refused():
    with pytest.raises(ValueError, match="`factor` must be below 1. Received: factor=1.5"):
        two_circles(factor=1.5)
