"""The density, by computations that share no code with the flow's."""

import keras
import numpy as np
import pytest
from golden.compiled import compiled
from golden.quick import TRACED

from keras_vat.generators import Glow
from keras_vat.generators.glow.image_padding import ImagePadding


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("scale", ["sigmoid", "exponential"])
def test_log_prob_by_the_numeric_jacobian(make_glow, images, scale, frozen):
    glow = make_glow((4, 8, 1), scale=scale, dtype="float64")
    if frozen:
        glow.freeze()
    x = images(2, 4, 8, 1, dtype="float64") * 0.9 + 0.05
    log_prob, step = glow.log_prob(x), 1e-6

    def encode(x):
        return np.concatenate([np.reshape(part, (len(x), -1)) for part in glow.encode(x)], axis=1)

    for row in range(2):
        moves = step * np.eye(32).reshape(32, 4, 8, 1)
        jacobian = (encode(x[row] + moves) - encode(x[row] - moves)) / (2 * step)
        log_det = np.linalg.slogdet(jacobian)[1]
        z = encode(x[row : row + 1])
        prior = -0.5 * np.sum(z**2) - 16 * np.log(2 * np.pi)
        assert abs(log_det) > 1.0
        np.testing.assert_allclose(log_prob[row], prior + log_det, atol=1e-5)


def test_density_of_four_pixels_integrates_to_one():
    """Importance sampling from a normal distribution a little wider than the flow's."""
    glow = Glow((2, 2, 1), num_levels=1, num_steps=2, width=4, seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    for weight in glow.trainable_weights:
        weight.assign(np.asarray(weight.value) + 0.3 * rng.normal(size=weight.shape))
    sample = np.asarray(glow.sample(20_000, seed=0)).reshape(-1, 4)
    mean, covariance = sample.mean(axis=0), 1.5 * np.cov(sample, rowvar=False)
    x = rng.multivariate_normal(mean, covariance, size=100_000)
    away = x - mean
    squared = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
    log_q = -0.5 * (squared + np.linalg.slogdet(2 * np.pi * covariance)[1])
    # Compiled, for most of these points are no images.
    log_p = compiled(glow.log_prob)(x.reshape(-1, 2, 2, 1))
    weights = np.exp(np.asarray(log_p) - log_q)
    assert weights.std() / np.sqrt(len(weights)) < 0.01
    assert weights.mean() == pytest.approx(1.0, abs=0.03)


def test_border_counts_with_its_known_density(make_glow, images):
    small, large = make_glow((6, 7, 2)), make_glow((8, 8, 2))
    large.set_weights(small.get_weights())
    x = images(3, 6, 7, 2)
    padding = ImagePadding((6, 7, 2), 4)
    expected = large.log_prob(padding.add(x)) - padding.size * np.log(256)
    np.testing.assert_allclose(small.log_prob(x), expected, rtol=1e-5)


def test_bits_per_dimension_are_log_prob_in_other_units(make_glow, images):
    glow, x = make_glow((6, 7, 2)), images(3, 6, 7, 2)
    expected = 8 - glow.log_prob(x) / (84 * np.log(2))
    np.testing.assert_allclose(glow.bits_per_dimension(x, dequantize=False), expected, rtol=1e-6)


def test_uniform_noise_has_the_bits_of_its_density():
    """With weights of the identity, N(0.5, s^2) is known, and so are its bits."""
    glow = Glow((4, 4, 1), num_levels=1, num_steps=1, width=2, scale="exponential", seed=0)
    x = np.random.default_rng(0).uniform(size=(5, 4, 4, 1)).astype("float32")
    log_prob = -0.5 * np.sum((x - 0.5) ** 2, axis=(1, 2, 3)) - 8 * np.log(2 * np.pi)
    np.testing.assert_allclose(glow.log_prob(x), log_prob, rtol=1e-5)
    np.testing.assert_allclose(
        glow.bits_per_dimension(x, dequantize=False), 8 - log_prob / np.log(2) / 16, rtol=1e-5
    )


def test_dequantisation_is_one_grey_level_of_noise_around_the_pixel(make_glow, images):
    glow, x = make_glow(), images(2, 8, 12, 1)
    seen = [np.asarray(glow._to_flow(x, glow.seed_generator)) for _ in range(50)]
    noise = np.stack(seen) - (x - 0.5)
    assert np.abs(noise).max() <= 1 / 512 + 1e-6
    assert noise.std() == pytest.approx(1 / 256 / np.sqrt(12), rel=0.02)
    assert abs(noise.mean()) < 1e-4
    assert np.abs(noise[0] - noise[1]).max() > 0


def test_dequantised_numbers_follow_the_seed(make_glow, images):
    x = images(2, 8, 12, 1)
    first, second = make_glow(seed=1), make_glow(seed=1)
    bits = first.bits_per_dimension(x)
    np.testing.assert_array_equal(second.bits_per_dimension(x), bits)
    assert np.abs(first.bits_per_dimension(x) - bits).max() > 0
    np.testing.assert_array_equal(first.log_prob(x), first.log_prob(x))


def test_evaluation_draws_the_same_noise_each_time(make_glow, images):
    glow, x = make_glow(), images(4, 8, 12, 1)
    glow.compile(keras.optimizers.SGD(0.0), **TRACED)
    found = [glow.evaluate(x, verbose=0) for _ in range(2)]
    assert found[0] == found[1]
    bits = float(np.mean(glow.bits_per_dimension(x)))
    assert found[0][0] == pytest.approx(bits, abs=0.01)
