import numpy as np
import pytest

from keras_vat.data import sine_waves


def test_waves_without_noise_have_the_frequency_of_their_class():
    x, y = sine_waves(n=200, noise=0.0)
    assert x.shape == (200, 100, 1) and x.dtype == np.float32 and y.dtype == np.int32
    assert np.bincount(y).tolist() == [100, 100]
    t = np.linspace(-2 * np.pi, 2 * np.pi, 100)
    residuals = []
    for omega in (1.01, 0.99):  # class 0, class 1
        waves = np.stack([np.sin(omega * t), np.cos(omega * t)], -1)
        coefficients = np.linalg.lstsq(waves, x[..., 0].T, rcond=None)[0]
        residuals.append(np.abs(waves @ coefficients - x[..., 0].T).max(axis=0))
        phases = np.arctan2(coefficients[1], coefficients[0])[y == len(residuals) - 1]
        assert phases.min() > -1e-5 and phases.max() < np.pi / 2 + 1e-5
        assert phases.min() < 0.1 and phases.max() > np.pi / 2 - 0.1
    np.testing.assert_array_equal(np.argmin(residuals, axis=0), y)
    assert np.min(residuals, axis=0).max() < 1e-5


def test_noise():
    noise = sine_waves(n=500, noise=0.1)[0] - sine_waves(n=500, noise=0.0)[0]
    assert noise.std() == pytest.approx(0.1, rel=0.02)
    assert abs(noise.mean()) < 2e-3


def test_the_seed_decides():
    np.testing.assert_array_equal(sine_waves(20, seed=1)[0], sine_waves(20, seed=1)[0])
    assert (sine_waves(20, seed=1)[0] != sine_waves(20, seed=2)[0]).any()


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`noise` must be .* Received: noise=-1"):
        sine_waves(noise=-1.0)
    with pytest.raises(ValueError, match="`n` must be at least 2"):
        sine_waves(n=1)
