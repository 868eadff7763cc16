import numpy as np
import pytest

from keras_vat.generators.glow.flow_level import FlowLevel


def make(channels, num_steps=2, frozen=False, scale="sigmoid", random=0.3):
    rng = np.random.default_rng(0)
    level = FlowLevel(num_steps, channels, 5, scale, rng, "float64", dtype="float64")
    for weight in level.trainable_weights:
        weight.assign(np.asarray(weight.value) + random * rng.normal(size=weight.shape))
    if frozen:
        level.freeze()
    return level


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_inverse(frozen, unroll):
    level = make(4, frozen=frozen)
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 4))
    y, log_det = level.forward(x, unroll)
    assert log_det.shape == (2,) and np.abs(y - x).max() > 0.1
    np.testing.assert_allclose(level.inverse(y), x, atol=1e-10)


@pytest.mark.parametrize("frozen", [False, True])
def test_density_of_two_pixels_integrates_to_one(frozen):
    """Two numbers, seen as the channels of one place, so that a grid covers all of the plane."""
    level = make(2, num_steps=3, frozen=frozen, scale="exponential")
    grid = np.linspace(-12.0, 12.0, 601)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 1, 1, 2)
    z, log_det = level.forward(points)
    z, log_det = np.asarray(z).reshape(-1, 2), np.asarray(log_det)
    density = np.exp(-0.5 * np.sum(z**2, axis=1) + log_det) / (2 * np.pi)
    assert density.max() > 1e-2 and density[:601].max() < 1e-9  # the grid is wide enough
    assert np.sum(density) * (grid[1] - grid[0]) ** 2 == pytest.approx(1.0, abs=1e-4)
    # A flow that only shifted would pass, too: this one stretches.
    assert np.ptp(log_det) > 0.1


def test_initialization_normalizes_the_input_of_every_convolution():
    level = make(4, num_steps=3, random=0.2)
    x = np.random.default_rng(1).normal(size=(20, 3, 5, 4)) * [0.01, 1.0, 5.0, 1.0] + 7.0
    assert not level.actnorm.initialized
    level.initialize(x)
    assert level.actnorm.initialized
    network = level.coupling.weights_of_steps()
    for k in range(3):
        scale, shift = np.exp(level.actnorm.log_scale.numpy()[k]), level.actnorm.shift.numpy()[k]
        x = x * scale + shift
        np.testing.assert_allclose(x.mean(axis=(0, 1, 2)), 0.0, atol=1e-6)
        np.testing.assert_allclose(x.std(axis=(0, 1, 2)), 1.0, atol=1e-3)
        x = x @ np.asarray(level.convolution.matrices("float64"))[k]
        x = np.asarray(level.coupling.forward(x, [weight[k] for weight in network])[0])


def test_initialization_returns_the_output():
    level = make(4)
    x = np.random.default_rng(1).normal(size=(20, 3, 5, 4))
    np.testing.assert_allclose(level.initialize(x), level.forward(x)[0], atol=1e-9)


def test_a_channel_without_variance_stays_finite():
    level = make(4)
    x = np.random.default_rng(1).normal(size=(20, 3, 5, 4)) * [0.0, 1.0, 1.0, 1.0]
    assert np.isfinite(level.initialize(x)).all()
