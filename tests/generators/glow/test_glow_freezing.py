"""Freezing and files."""

import keras
import numpy as np
import pytest
from golden.quick import QUICK

# Keras 3.15 converts variables on saving in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def numbers(images):
    """All that a flow gives for some images, as one list of arrays."""

    def compute(glow, x):
        z = glow.encode(x)
        moved = glow.decode([part + 0.1 for part in z])
        return [*z, moved, glow.log_prob(x), glow.sample(2, seed=0)]

    return compute


@pytest.fixture
def trained(make_glow, images):
    glow = make_glow((6, 8, 1), num_steps=2)
    glow.initialize(images(12, 6, 8, 1))
    return glow


def largest_difference(one, other):
    return max(np.abs(np.asarray(a) - b).max() for a, b in zip(one, other, strict=True))


def test_frozen_flow_equals_the_trained_one(trained, numbers, images):
    x = images(5, 6, 8, 1)
    before = numbers(trained, x)
    assert trained.freeze() is trained and trained.frozen
    assert largest_difference(numbers(trained, x), before) < 1e-5
    trained.freeze()
    assert largest_difference(numbers(trained, x), before) < 1e-5


def test_frozen_flow_uses_the_folded_maps(trained, images):
    x = images(5, 6, 8, 1)
    before = trained.encode(x)[0]
    trained.freeze()
    for level in trained.flow.levels:
        level.actnorm.log_scale.assign(level.actnorm.log_scale + 1.0)
        level.convolution.lower.assign(level.convolution.lower * 0.0)
    np.testing.assert_allclose(trained.encode(x)[0], before, atol=1e-5)
    np.testing.assert_allclose(trained(x), x, atol=1e-4)


def test_frozen_flow_has_nothing_to_train(trained):
    trained.freeze()
    assert trained.trainable_weights == [] and trained.trainable_variables == []
    trained.trainable = True
    assert trained.trainable_weights == []


@pytest.mark.parametrize("frozen", [False, True])
def test_file_gives_back_the_flow(trained, numbers, images, tmp_path, frozen):
    x = images(5, 6, 8, 1)
    if frozen:
        trained.compile("adam")  # forgotten with the weights it would train
        trained.freeze()
    trained.save(tmp_path / "glow.keras")
    keras.utils.set_random_seed(7)
    loaded = keras.saving.load_model(tmp_path / "glow.keras")
    assert loaded.frozen == frozen and loaded.initialized
    assert loaded.get_config() == trained.get_config()
    assert bool(loaded.trainable_weights) != frozen
    assert largest_difference(numbers(loaded, x), numbers(trained, x)) < 1e-6
    np.testing.assert_array_equal(loaded.bits_per_dimension(x), trained.bits_per_dimension(x))


def test_training_goes_on_after_loading(trained, images, tmp_path):
    """Neither initialised again nor with other noise or momentum."""
    trained.compile(keras.optimizers.Adam(1e-3), **QUICK)
    trained.fit(images(8, 6, 8, 1), batch_size=4, verbose=0)
    trained.save(tmp_path / "glow.keras")
    loaded = keras.saving.load_model(tmp_path / "glow.keras")
    dark = 0.1 * images(8, 6, 8, 1)
    for glow in (trained, loaded):
        glow.fit(dark, batch_size=4, shuffle=False, verbose=0)
    for weight, expected in zip(loaded.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-6)


def test_weights_alone_bring_the_initialization_along(trained, make_glow, images, tmp_path):
    trained.save_weights(tmp_path / "glow.weights.h5")
    other = make_glow((6, 8, 1), num_steps=2, seed=9)
    assert not other.initialized
    other.load_weights(tmp_path / "glow.weights.h5")
    assert other.initialized
    x = images(5, 6, 8, 1)
    np.testing.assert_allclose(other.encode(x)[0], trained.encode(x)[0], atol=1e-6)


@pytest.mark.parametrize("settings", [{"dtype": "mixed_bfloat16"}, {"scale": "exponential"}])
def test_config_keeps_the_settings(make_glow, settings):
    glow = make_glow((6, 8, 1), name="flow", **settings)
    copy = type(glow).from_config(glow.get_config())
    assert copy.get_config() == glow.get_config()
    assert copy.name == "flow" and copy.dtype_policy == glow.dtype_policy
