import keras
import numpy as np
import pytest
from golden.quick import TRACED
from golden.weight_gradients import weight_gradients
from keras import ops

from keras_vat.generators import Glow


@pytest.fixture(scope="module")
def digits():
    datasets = pytest.importorskip("sklearn.datasets", reason="the digits are scikit-learn's")
    return (datasets.load_digits().images[..., None] / 16.0).astype("float32")


def make(optimizer=None, **settings):
    glow = Glow((8, 8, 1), **{"num_levels": 1, "num_steps": 1, "width": 8, "seed": 0, **settings})
    glow.compile(optimizer or keras.optimizers.Adam(1e-3), **TRACED)
    return glow


def test_fit_lowers_the_bits_per_dimension(digits):
    glow = make(num_levels=2, num_steps=2, width=16)
    glow.initialize(digits[:256])
    before = np.mean(glow.bits_per_dimension(digits[:200]))
    history = glow.fit(
        digits, epochs=4, batch_size=64, validation_data=(digits[:200], None), verbose=0
    ).history
    assert set(history) == {
        "loss",
        "bits_per_dimension",
        "val_loss",
        "val_bits_per_dimension",
    }
    np.testing.assert_allclose(history["loss"], history["bits_per_dimension"], rtol=1e-5)
    after = float(np.mean(glow.bits_per_dimension(digits[:200])))
    assert after < before - 0.3
    assert history["val_loss"][-1] == pytest.approx(after, abs=0.05)
    np.testing.assert_allclose(glow(digits[:20]), digits[:20], atol=1e-4)


@pytest.mark.parametrize("kind", ["array", "tensor", "dataset", "pairs"])
def test_fit_initializes_from_the_first_batch(digits, kind, request):
    x = digits[:16]
    data, settings = ops.convert_to_tensor(x) if kind == "tensor" else x, {"batch_size": 16}
    if kind in ("dataset", "pairs"):
        rows = x if kind == "dataset" else (x, np.zeros(16))
        tf = request.getfixturevalue("tf")
        data, settings = tf.data.Dataset.from_tensor_slices(rows).batch(16), {}
    glow = make(optimizer=keras.optimizers.SGD(0.0))
    assert not glow.initialized
    glow.fit(data, verbose=0, **settings)
    assert glow.initialized
    expected = make()
    expected.initialize(x)
    for weight, other in zip(glow.trainable_weights, expected.trainable_weights, strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-5)


def test_latents_are_normalised_by_the_initialization(digits):
    """The networks return zero at first: but for their constant factor z is a rotated actnorm."""
    glow = make(scale="exponential")
    glow.initialize(digits[:512])
    (z,) = glow.encode(digits[:512])
    flat = np.reshape(z, (-1, z.shape[-1]))
    np.testing.assert_allclose(flat.mean(axis=0), 0.0, atol=0.01)
    assert np.mean(flat**2) == pytest.approx(1.0, abs=0.02)


def test_train_on_batch_initializes_once(digits):
    glow = make(optimizer=keras.optimizers.SGD(0.0))
    glow.train_on_batch(digits[:16])
    before = glow.flow.levels[0].actnorm.shift.numpy()
    assert np.abs(before).max() > 0
    glow.train_on_batch(0.1 * digits[:16])
    np.testing.assert_array_equal(glow.flow.levels[0].actnorm.shift.numpy(), before)


def test_every_weight_gets_a_gradient(digits):
    glow = make(num_steps=2)
    rng = np.random.default_rng(0)
    for weight in glow.trainable_weights:
        weight.assign(np.asarray(weight.value) + 0.1 * rng.normal(size=weight.shape))
    glow.initialize(digits[:64])
    before = [weight.numpy() for weight in glow.trainable_weights]
    glow.train_on_batch(digits[:64])
    for weight, old in zip(glow.trainable_weights, before, strict=True):
        moved = np.abs(weight.numpy() - old).max(axis=tuple(range(1, old.ndim)))
        assert np.all(moved > 0), weight.path  # in every step


def test_loop_and_unrolled_steps_have_the_same_gradients(digits):
    glow, x = make(num_levels=2, num_steps=2), ops.convert_to_tensor(digits[:4])
    glow.initialize(digits[:64])
    gradients = [
        weight_gradients(
            lambda u=unroll: ops.mean(glow._log_density(x - 0.5, u)), glow.trainable_weights
        )[1]
        for unroll in (False, True)
    ]
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_same_seed_same_training(digits):
    def losses(seed):
        glow = make(seed=seed)
        return glow.fit(digits[:32], batch_size=16, shuffle=False, verbose=0).history["loss"]

    assert losses(1) == losses(1) != losses(2)


def test_sample_weights_weigh_images(digits):
    glow = make()
    glow.initialize(digits[:64])
    x, weight = digits[:8], np.array([1.0] * 3 + [0.0] * 5, "float32")
    found = glow.evaluate(x, np.zeros(8), sample_weight=weight, verbose=0, return_dict=True)
    # The same noise again: evaluation always draws it from the same seed.
    terms = glow.loss_terms(ops.convert_to_tensor(x), training=False)
    bits = np.asarray(terms["bits_per_dimension"])
    assert found["bits_per_dimension"] == pytest.approx(bits[:3].mean(), rel=1e-4)
    assert found["loss"] == pytest.approx(bits[:3].sum() / 8, rel=1e-4)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_trains_in_other_precisions(digits, dtype):
    glow = make(dtype=dtype)
    losses = glow.fit(digits[:256], epochs=3, batch_size=64, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_exponential_scale_trains(digits):
    glow = make(scale="exponential")
    losses = glow.fit(digits[:512], epochs=3, batch_size=64, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


@pytest.mark.slow
def test_steps_per_execution_and_xla(digits):
    glow = make()
    glow.compile(keras.optimizers.Adam(1e-3), steps_per_execution=4, jit_compile=True)
    losses = glow.fit(digits[:128], epochs=2, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_predict_reconstructs(digits):
    np.testing.assert_allclose(make().predict(digits[:10], verbose=0), digits[:10], atol=1e-4)
