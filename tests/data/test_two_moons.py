import numpy as np
import pytest

from keras_vat.data import two_moons


def test_without_noise_points_lie_on_two_half_circles():
    x, y = two_moons(n=100, noise=0.0)
    assert x.shape == (100, 2) and x.dtype == np.float32 and y.dtype == np.int32
    np.testing.assert_allclose(np.linalg.norm(x[y == 0], axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(x[y == 1] - [1.0, 0.5], axis=1), 1.0, rtol=1e-5)
    assert np.bincount(y).tolist() == [50, 50]


def test_the_seed_decides():
    np.testing.assert_array_equal(two_moons(20, seed=1)[0], two_moons(20, seed=1)[0])
    assert (two_moons(20, seed=1)[0] != two_moons(20, seed=2)[0]).any()


def test_negative_noise_is_refused():
    with pytest.raises(ValueError, match="`noise` must be .* Received: noise=-1"):
        two_moons(noise=-1.0)
