import keras
import numpy as np
import pytest

from keras_vat.generators.glow.affine_coupling import AffineCoupling

X = np.random.default_rng(1).normal(size=(2, 3, 5, 4))
SCALES = ["sigmoid", "exponential"]


def sigmoid_scale(h):
    return 0.1 + 0.9 / (1 + np.exp(-h - 2))


def make(scale, random=True, **settings):
    rng = np.random.default_rng(0)
    coupling = AffineCoupling(2, 4, 6, scale, rng, **{"dtype": "float64", **settings})
    for weight in coupling.trainable_weights if random else ():
        weight.assign(np.asarray(weight.value) + 0.3 * rng.normal(size=weight.shape))
    return coupling


def weights(coupling, k):
    return [weight[k] for weight in coupling.weights_of_steps()]


@pytest.mark.parametrize(("scale", "expected"), [("sigmoid", sigmoid_scale(0)), (SCALES[1], 1)])
def test_fresh_coupling_scales_by_a_constant(scale, expected):
    coupling = make(scale, random=False)
    y, log_det = coupling.forward(X, weights(coupling, 0))
    np.testing.assert_allclose(y[..., :2], X[..., :2])
    np.testing.assert_allclose(y[..., 2:], X[..., 2:] * expected)
    np.testing.assert_allclose(log_det, [3 * 5 * 2 * np.log(expected)] * 2, atol=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_inverse(scale):
    coupling = make(scale)
    y, _ = coupling.forward(X, weights(coupling, 1))
    assert np.abs(y[..., 2:] - X[..., 2:]).max() > 0.1
    np.testing.assert_allclose(coupling.inverse(y, weights(coupling, 1)), X, atol=1e-12)


def convolution(x, kernel, bias):
    """3x3, with a border of zeros."""
    x, (_, height, width, _) = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]), x.shape
    windows = [[x[:, i : i + height, j : j + width] for j in range(3)] for i in range(3)]
    return np.einsum("ijnhwc,ijcd->nhwd", windows, kernel) + bias


@pytest.mark.parametrize("scale", SCALES)
def test_network_is_the_three_convolutions(scale):
    coupling = make(scale)
    kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = (
        weight.numpy()[1] for weight in coupling.network
    )
    h = np.maximum(convolution(X[..., :2], kernel_1, bias_1), 0)
    h = np.maximum(h @ kernel_2 + bias_2, 0)
    h = convolution(h, kernel_3, bias_3)
    s = sigmoid_scale(h[..., :2]) if scale == "sigmoid" else np.exp(h[..., :2])
    y, log_det = coupling.forward(X, weights(coupling, 1))
    np.testing.assert_allclose(y[..., 2:], (X[..., 2:] + h[..., 2:]) * s)
    np.testing.assert_allclose(log_det, np.log(s).sum(axis=(1, 2, 3)))


def test_exponential_is_clipped_and_sigmoid_is_bounded():
    bounds = {"exponential": (np.exp(-15.0), np.exp(15.0)), "sigmoid": (0.1, 1.0)}
    for scale, (smallest, largest) in bounds.items():
        coupling = make(scale, random=False)
        for h in (1e6, -1e6):
            coupling.network[5].assign(np.full((2, 4), [h, h, 0.0, 0.0]))
            y, log_det = coupling.forward(np.ones((1, 1, 1, 4)), weights(coupling, 0))
            assert np.isfinite(y).all() and np.isfinite(log_det).all()
            assert np.max(y[..., 2:]) <= largest * (1 + 1e-9)
            x = coupling.inverse(np.ones((1, 1, 1, 4)), weights(coupling, 0))
            assert np.max(x[..., 2:]) <= (1 + 1e-9) / smallest


def test_network_runs_in_half_precision_and_the_rest_does_not():
    coupling = make("sigmoid", dtype="mixed_bfloat16")
    x = X.astype("float32")
    dtypes = map(keras.backend.standardize_dtype, (w.dtype for w in coupling.weights_of_steps()))
    assert set(dtypes) == {"bfloat16"}
    y, log_det = coupling.forward(x, weights(coupling, 0))
    assert y.dtype == log_det.dtype == "float32"
    exact, _ = make("sigmoid").forward(X, weights(make("sigmoid"), 0))
    difference = np.abs(np.asarray(y) - np.asarray(exact)).max()
    assert 1e-4 < difference < 0.1  # rounded, but no more than that
    np.testing.assert_array_equal(y[..., :2], x[..., :2])


def test_first_weights_follow_he():
    coupling = AffineCoupling(2, 12, 64, "sigmoid", np.random.default_rng(0))
    kernel_1, _, kernel_2, _, kernel_3, _ = (weight.numpy() for weight in coupling.network)
    assert np.std(kernel_1) == pytest.approx(np.sqrt(2 / (9 * 6)), rel=0.05)
    assert np.std(kernel_2) == pytest.approx(np.sqrt(2 / 64), rel=0.05)
    assert not kernel_3.any()
