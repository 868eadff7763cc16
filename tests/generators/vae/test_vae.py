import keras
import numpy as np
import pytest
from golden.quick import QUICK
from golden.small_vae import X, make, trained
from golden.variables import assert_equal, values
from golden.weight_gradients import weight_gradients
from keras import ops

from keras_vat.data import semi_supervised


def log_sigmoid(a):
    return -np.logaddexp(0, -a)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_terms_of_the_loss_against_float64_numpy(likelihood):
    vae = trained(likelihood=likelihood, prior_weight=0.3)
    terms = vae.loss_terms(ops.convert_to_tensor(X), training=False)
    mean, log_variance = (np.float64(part) for part in vae.encoder(X, training=False))
    noise = keras.random.normal(mean.shape, seed=0)
    z = mean + np.exp(log_variance / 2) * noise
    a = np.float64(vae.decoder(np.float32(z), training=False))
    if likelihood == "bernoulli":
        reconstruction = -(X * log_sigmoid(a) + (1 - X) * log_sigmoid(-a)).sum((1, 2, 3))
    else:
        squared = (X - 1 / (1 + np.exp(-a))) ** 2
        reconstruction = (0.5 * squared + 0.5 * np.log(2 * np.pi)).sum((1, 2, 3))
    prior = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(1)
    np.testing.assert_allclose(terms["reconstruction_loss"], reconstruction, rtol=1e-5)
    np.testing.assert_allclose(terms["prior_loss"], prior, rtol=1e-4)
    np.testing.assert_allclose(terms["loss"], reconstruction + 0.3 * prior, rtol=1e-5)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_terms_of_the_loss_against_tensorflow_probability(likelihood, tf):
    tfd = pytest.importorskip(
        "tensorflow_probability", reason="the yardstick is an extra"
    ).distributions
    vae = trained(likelihood=likelihood)
    terms = vae.loss_terms(ops.convert_to_tensor(X), training=False)
    mean, log_variance = vae.encoder(X, training=False)
    posterior = tfd.MultivariateNormalDiag(mean, tf.exp(log_variance / 2))
    prior = tfd.MultivariateNormalDiag(tf.zeros(3), tf.ones(3))
    z = posterior.bijector.forward(keras.random.normal((12, 3), seed=0))
    logits = vae.decoder(z, training=False)
    pixels = {
        "bernoulli": tfd.Bernoulli(logits=logits, dtype=tf.float32),
        "gaussian": tfd.Normal(tf.sigmoid(logits), 1.0),
    }[likelihood]
    log_prob = tfd.Independent(pixels, 3).log_prob(X)
    np.testing.assert_allclose(terms["reconstruction_loss"], -log_prob, rtol=1e-5)
    expected = tfd.kl_divergence(posterior, prior)
    np.testing.assert_allclose(terms["prior_loss"], expected, rtol=1e-4)


def test_fit_logs_the_means_of_the_terms():
    vae = make(prior_weight=0.3)
    logs = vae.fit(X, epochs=1, verbose=0, validation_data=(X, None)).history
    assert set(logs) == {
        prefix + name
        for prefix in ("", "val_")
        for name in ("loss", "reconstruction_loss", "prior_loss")
    }
    terms = vae.loss_terms(ops.convert_to_tensor(X), training=False)
    for name, of_rows in terms.items():
        np.testing.assert_allclose(logs[f"val_{name}"], [np.mean(of_rows)], rtol=1e-5)
    for prefix in ("", "val_"):
        reconstruction, prior = (
            logs[f"{prefix}{term}_loss"][0] for term in ("reconstruction", "prior")
        )
        assert logs[f"{prefix}loss"][0] == pytest.approx(reconstruction + 0.3 * prior, rel=1e-5)


def test_the_gradient_of_a_step_reaches_every_weight():
    vae = make()
    _, gradients = weight_gradients(
        lambda: ops.mean(vae.loss_terms(ops.convert_to_tensor(X), training=True)["loss"]),
        vae.trainable_weights,
    )
    for weight, gradient in zip(vae.trainable_weights, gradients, strict=True):
        assert np.abs(gradient).max() > 1e-6, weight.path


def test_training_on_digits_lowers_the_loss_and_the_reconstruction_error():
    datasets = pytest.importorskip("sklearn.datasets", reason="the digits are scikit-learn's")
    digits = (datasets.load_digits().images / 16).astype("float32")[..., None]
    x, held_out = digits[:1500], digits[1500:]
    vae = make(latent_dim=8, widths=(8, 16))
    before = np.square(held_out - vae(held_out)).mean()
    history = vae.fit(x, epochs=6, batch_size=64, validation_data=(held_out, None), verbose=0)
    losses = history.history
    assert losses["loss"][-1] < 0.7 * losses["loss"][0]
    assert losses["val_loss"][-1] < 23.0  # every pixel's mean alone would have 26.6
    assert np.square(held_out - vae(held_out)).mean() < 0.5 * before
    # The latent space is used, and not all of it is noise.
    assert 2.0 < losses["prior_loss"][-1] < 40.0


def test_encode_is_the_posterior_mean_and_decode_the_pixels_mean():
    vae = trained()
    mean, _ = vae.encoder(X, training=False)
    z = vae.encode(X)
    np.testing.assert_array_equal(z, mean)
    np.testing.assert_array_equal(vae.encode(X), z)
    logits = np.float64(vae.decoder(z, training=False))
    np.testing.assert_allclose(vae.decode(z), 1 / (1 + np.exp(-logits)), rtol=1e-5)
    np.testing.assert_array_equal(vae(X), vae.decode(z))
    np.testing.assert_allclose(vae.predict(X, verbose=0), vae.decode(z), rtol=1e-5)
    assert vae.latent_shapes == [(3,)] and z.shape == (12, 3)


def test_use_leaves_all_variables_alone_and_rows_apart():
    vae = trained()
    before = values(vae.variables)

    class Around(keras.layers.Layer):
        """Passes training mode on to what is called inside, as a training step does."""

        def __init__(self, function):
            super().__init__()
            self.function = function

        def call(self, x, training=None):
            return self.function(x)

    z = Around(vae.encode)(X, training=True)
    np.testing.assert_allclose(z[:3], vae.encode(X[:3]), rtol=1e-4, atol=1e-6)
    decoded = Around(vae.decode)(z, training=True)
    np.testing.assert_allclose(decoded[:3], vae.decode(z[:3]), rtol=1e-4)
    vae.sample(2, seed=0)
    vae.evaluate(X, verbose=0)
    assert_equal(values(vae.variables), before)


def test_training_moves_averages_and_seeds():
    vae = make(QUICK)
    before = values(vae.variables)
    vae.train_on_batch(X)
    moved = [
        variable.path
        for variable, old, new in zip(vae.variables, before, values(vae.variables), strict=True)
        if np.any(old != new)
    ]
    assert sum("moving_mean" in path for path in moved) == 4
    assert sum("seed_generator" in path for path in moved) == 1


def test_same_seeds_same_run():
    first, second = (trained(seed=1) for _ in range(2))
    assert_equal(values(first.variables), values(second.variables))
    other = trained(seed=2)
    assert np.abs(other.encode(X) - first.encode(X)).max() > 0


def test_samples_are_decoded_draws_of_the_prior():
    vae = trained()
    samples = vae.sample(6, seed=1)
    np.testing.assert_array_equal(vae.sample(6, seed=1), samples)
    expected = vae.decode(keras.random.normal((6, 3), seed=1))
    np.testing.assert_array_equal(samples, expected)
    for seed in (2, -1):
        assert np.abs(vae.sample(6, seed=seed) - samples).max() > 0
    assert np.abs(vae.sample(6) - vae.sample(6)).max() > 0


def test_prior_weight_is_followed_by_a_compiled_fit():
    vae = make(prior_weight=0.0)
    free = vae.fit(X, epochs=20, verbose=0).history["prior_loss"][-1]
    vae.prior_weight = 100.0
    bound = vae.fit(X, epochs=20, verbose=0).history["prior_loss"][-1]
    assert bound < 0.2 * free
    assert float(vae.prior_weight) == 100.0


def test_sample_weights_weight_the_examples():
    vae = make()
    rows = np.array([1.0] * 6 + [0.0] * 6, "float32")
    terms = vae.loss_terms(ops.convert_to_tensor(X), training=False)
    # Keras passes weights on only beside labels.
    logs = vae.evaluate(X, np.zeros(12), sample_weight=rows, verbose=0, return_dict=True)
    expected = float(np.mean(terms["reconstruction_loss"][:6]))
    assert logs["reconstruction_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_other_dtypes(policy):
    vae = trained(dtype=policy)
    full = "float64" if policy == "float64" else "float32"
    terms = vae.loss_terms(vae.check_images(X), training=True)
    assert {keras.backend.standardize_dtype(value.dtype) for value in terms.values()} == {full}
    assert all(np.isfinite(value).all() for value in terms.values())
    assert vae.encode(X).dtype == full and vae(X).dtype == full
    compute = vae.encoder.get_layer("conv_1").compute_dtype
    assert compute == policy.removeprefix("mixed_")


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: (x, np.arange(12))])
def test_data_come_as_datasets_with_and_without_labels(wrap, tf):
    dataset = tf.data.Dataset.from_tensor_slices(wrap(X)).batch(6)
    history = make(QUICK).fit(dataset, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_trains_on_the_unlabelled_half_of_semi_supervised_batches():
    y, weights = np.arange(4) % 2, np.ones(4, "float32")
    labeled, unlabeled = (np.zeros_like(X[:4]), y, weights), X[:8]
    batches = semi_supervised(labeled, unlabeled, 2, 4, seed=0)
    vae, same = make(seed=0), make(seed=0)
    same.set_weights(vae.get_weights())
    for inputs, labels, of_labels in batches:
        vae.train_on_batch(inputs, labels, of_labels)
        same.train_on_batch(inputs.unlabeled)
    for weight, expected in zip(vae.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-6)
    assert np.isfinite(vae.fit(batches, verbose=0).history["loss"]).all()
    on_images = vae.evaluate(X[:8], verbose=0, return_dict=True)["reconstruction_loss"]
    on_batches = vae.evaluate(batches, verbose=0, return_dict=True)["reconstruction_loss"]
    assert on_batches == pytest.approx(on_images, rel=0.1)
