import numpy as np
import pytest
from keras import ops

from keras_vat.autodiff import gradient
from keras_vat.generators.vae.normal_posterior import draw, kl_to_standard_normal

RNG = np.random.default_rng(0)
MEAN = RNG.normal(size=(5, 4))
LOG_VARIANCE = RNG.normal(size=(5, 4))
PARAMETERS = [ops.convert_to_tensor(MEAN), ops.convert_to_tensor(LOG_VARIANCE)]


def test_kl_against_float64_numpy():
    variance = np.exp(LOG_VARIANCE)
    expected = 0.5 * (MEAN**2 + variance - 1 - np.log(variance)).sum(axis=1)
    np.testing.assert_allclose(kl_to_standard_normal(*PARAMETERS), expected, rtol=1e-12)
    single = kl_to_standard_normal(MEAN.astype("float32"), LOG_VARIANCE.astype("float32"))
    np.testing.assert_allclose(single, expected, rtol=1e-5)


def test_kl_is_zero_at_the_prior_and_exact_close_to_it():
    assert float(kl_to_standard_normal(ops.zeros((1, 4)), ops.zeros((1, 4)))[0]) == 0.0
    # To second order log_variance^2 / 4; a float32 difference exp(v) - 1 has no digit of it.
    near = kl_to_standard_normal(ops.zeros((1, 1)), ops.full((1, 1), 1e-3))
    np.testing.assert_allclose(near, [1e-6 / 4], rtol=1e-2)


def test_kl_against_tensorflow_probability():
    tfd = pytest.importorskip(
        "tensorflow_probability", reason="the yardstick is an extra"
    ).distributions
    posterior = tfd.MultivariateNormalDiag(MEAN, np.exp(0.5 * LOG_VARIANCE))
    prior = tfd.MultivariateNormalDiag(np.zeros(4), np.ones(4))
    expected = tfd.kl_divergence(posterior, prior)
    np.testing.assert_allclose(kl_to_standard_normal(*PARAMETERS), expected, rtol=1e-12)


def test_kl_is_the_mean_log_ratio_of_draws():
    noise = RNG.normal(size=(200_000, 1, 4))
    z = np.asarray(draw(*PARAMETERS, noise))
    log_posterior = -0.5 * ((z - MEAN) ** 2 / np.exp(LOG_VARIANCE) + LOG_VARIANCE)
    log_ratio = (log_posterior + 0.5 * z**2).sum(axis=-1)
    error = log_ratio.std(axis=0) / np.sqrt(len(noise))
    expected = kl_to_standard_normal(*PARAMETERS)
    assert (np.abs(log_ratio.mean(axis=0) - expected) < 5 * error).all()
    assert error.max() < 0.02


def test_gradients_of_the_kl_in_closed_form():
    by_mean, by_log_variance = gradient(lambda p: kl_to_standard_normal(*p), PARAMETERS)
    np.testing.assert_allclose(by_mean, MEAN, rtol=1e-12)
    np.testing.assert_allclose(by_log_variance, 0.5 * (np.exp(LOG_VARIANCE) - 1), rtol=1e-12)


def test_draws_have_the_moments_and_pass_gradients():
    noise = RNG.normal(size=(200_000, 1, 4))
    by_mean, by_log_variance = gradient(lambda p: draw(*p, noise[0]), PARAMETERS)
    np.testing.assert_allclose(by_mean, np.ones((5, 4)))
    half_step = 0.5 * noise[0] * np.exp(0.5 * LOG_VARIANCE)
    np.testing.assert_allclose(by_log_variance, half_step, rtol=1e-12)
    z = np.asarray(draw(*PARAMETERS, noise))
    np.testing.assert_allclose(z.mean(axis=0), MEAN, atol=0.03)
    np.testing.assert_allclose(z.var(axis=0), np.exp(LOG_VARIANCE), rtol=0.02)
