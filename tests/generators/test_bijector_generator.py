import types

import keras
import numpy as np
import pytest

from keras_vat.generators import BijectorGenerator

SHAPE = (4, 2, 1)
X = np.random.default_rng(0).uniform(0.1, 0.9, size=(3, *SHAPE)).astype("float32")


@pytest.fixture
def tfp(tf):
    return pytest.importorskip("tensorflow_probability", reason="bijectors come from this extra")


@pytest.fixture
def affine(tfp):
    """z of 8 numbers -> images: x = (A z + b), reshaped."""
    rng = np.random.default_rng(1)
    matrix = (np.tril(rng.normal(size=(8, 8)), -1) + np.diag(rng.uniform(0.5, 2, 8))).astype("f")
    shift = rng.normal(size=8).astype("float32")
    tfb = tfp.bijectors
    bijector = tfb.Chain([tfb.Reshape(SHAPE, [8]), tfb.Shift(shift), tfb.ScaleMatvecTriL(matrix)])
    return types.SimpleNamespace(bijector=bijector, matrix=matrix, shift=shift)


def test_decode_is_forward_and_encode_its_inverse(affine):
    generator = BijectorGenerator(affine.bijector, SHAPE)
    z = np.random.default_rng(2).normal(size=(3, 8)).astype("float32")
    expected = (z @ affine.matrix.T + affine.shift).reshape(3, *SHAPE)
    np.testing.assert_allclose(generator.decode(z), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(generator.encode(expected), z, rtol=1e-3, atol=1e-4)
    assert generator.latent_shapes == [(8,)]


def test_log_prob_is_the_density_of_the_affine_normal(affine):
    covariance = np.float64(affine.matrix) @ np.float64(affine.matrix).T
    away = X.reshape(3, 8) - np.float64(affine.shift)
    squared = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
    expected = -0.5 * (squared + np.linalg.slogdet(2 * np.pi * covariance)[1])
    np.testing.assert_allclose(BijectorGenerator(affine.bijector).log_prob(X), expected, rtol=1e-4)


def test_the_round_trip_is_computed_not_remembered(affine, tf):
    """Bijectors give back x itself for the z that they returned, cut off from z."""
    generator = BijectorGenerator(affine.bijector)
    x = tf.constant(X)
    z = affine.bijector.inverse(x)
    assert affine.bijector.forward(z) is x
    with tf.GradientTape() as tape:
        z = generator.encode(x)
        tape.watch(z)
        decoded = generator.decode(z)
    assert decoded is not x
    np.testing.assert_allclose(decoded, X, rtol=1e-4, atol=1e-5)
    expected = np.ones(8) @ affine.matrix
    np.testing.assert_allclose(tape.gradient(decoded, z)[0], expected, rtol=1e-5)


def test_samples_have_the_moments_of_the_prior_seen_through_forward(affine):
    generator = BijectorGenerator(affine.bijector, SHAPE)
    samples = np.asarray(generator.sample(20_000, seed=1)).reshape(-1, 8)
    np.testing.assert_allclose(samples.mean(axis=0), affine.shift, atol=0.15)
    np.testing.assert_allclose(
        np.cov(samples, rowvar=False), affine.matrix @ affine.matrix.T, atol=0.5
    )
    np.testing.assert_array_equal(generator.sample(2, seed=1), generator.sample(2, seed=1))
    assert np.abs(generator.sample(2) - generator.sample(2)).max() > 0


def test_several_latent_parts(tfp):
    """Split by channels: two parts of z, the images are (2 z1, z2)."""
    tfb = tfp.bijectors
    scaled = tfb.JointMap([tfb.Scale(2.0), tfb.Identity()])
    generator = BijectorGenerator(tfb.Chain([tfb.Invert(tfb.Split(2, axis=-1)), scaled]), (2, 2, 2))
    x = np.random.default_rng(0).uniform(size=(3, 2, 2, 2)).astype("float32")
    z = generator.encode(x)
    np.testing.assert_allclose(z[0], x[..., :1] / 2, rtol=1e-6)
    np.testing.assert_allclose(generator.decode(z), x, rtol=1e-6)
    assert generator.latent_shapes == [(2, 2, 1), (2, 2, 1)]
    samples = generator.sample(5000, seed=0)
    assert samples.shape == (5000, 2, 2, 2)
    np.testing.assert_allclose(np.std(samples, axis=(0, 1, 2)), [2.0, 1.0], rtol=0.05)
    assert np.abs(np.corrcoef(np.reshape(samples, (-1, 2)).T)[0, 1]) < 0.05


def test_their_glow(tfp):
    keras.utils.set_random_seed(0)
    bijectors = tfp.bijectors
    glow = bijectors.Glow(
        output_shape=(8, 8, 1),
        num_glow_blocks=2,
        num_steps_per_block=1,
        coupling_bijector_fn=lambda shape: bijectors.GlowDefaultNetwork(shape, num_hidden=4),
        exit_bijector_fn=bijectors.GlowDefaultExitNetwork,
    )
    x = np.random.default_rng(0).uniform(size=(2, 8, 8, 1)).astype("float32")
    generator = BijectorGenerator(glow, (8, 8, 1))
    z = generator.encode(x)
    assert z.shape == (2, 64) and generator.latent_shapes == [(64,)]
    np.testing.assert_allclose(generator.decode(z), x, atol=1e-4)
    base = tfp.distributions.MultivariateNormalDiag(np.zeros(64, "f"), np.ones(64, "f"))
    expected = tfp.distributions.TransformedDistribution(base, glow).log_prob(x)
    np.testing.assert_allclose(generator.log_prob(x), expected, rtol=1e-4)
    assert generator.sample(2, seed=0).shape == (2, 8, 8, 1)


def test_any_object_with_forward_and_inverse_will_do():
    doubling = types.SimpleNamespace(forward=lambda z: 2.0 * z, inverse=lambda x: x / 2.0)
    generator = BijectorGenerator(doubling)
    np.testing.assert_allclose(generator.encode(X), X / 2)
    np.testing.assert_allclose(generator.decode(generator.encode(X)), X)


def test_refuses_what_is_no_bijector():
    with pytest.raises(TypeError, match=r"`bijector` must have .*of type int\), without `forward`"):
        BijectorGenerator(3)
    halved = types.SimpleNamespace(forward=lambda z: z)
    with pytest.raises(TypeError, match="without `inverse`$"):
        BijectorGenerator(halved)


def test_says_what_a_bijector_lacks():
    generator = BijectorGenerator(
        types.SimpleNamespace(forward=lambda z: z, inverse=lambda x: x), SHAPE
    )
    with pytest.raises(TypeError, match="`inverse_event_shape` for `latent_shapes`.*Received"):
        generator.sample(2)
    with pytest.raises(TypeError, match="`inverse_log_det_jacobian` for `log_prob`.*Received"):
        generator.log_prob(X)
    coder = types.SimpleNamespace(encode=lambda x: x, decode=lambda z: z)
    with pytest.raises(TypeError, match="goes to the regularizer as it is. Received"):
        BijectorGenerator(coder)


def test_samples_need_the_shape_of_an_image():
    bijector = types.SimpleNamespace(forward=lambda z: z, inverse=lambda x: x)
    assert BijectorGenerator(bijector).latent_shapes is None
    with pytest.raises(ValueError, match="`input_shape` is needed .* Received: input_shape=None"):
        BijectorGenerator(bijector).sample(2)
    with pytest.raises(ValueError, match="`n` must be at least 1"):
        BijectorGenerator(bijector).sample(0)
