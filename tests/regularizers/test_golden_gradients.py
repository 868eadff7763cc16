"""Every penalty and its gradient to the weights against NumPy in float64, on every backend.

The net is tanh(x A + a) B + b, random directions are given, and NumPy's gradients are central
differences, in which perturbations and clean targets stand still.
"""

import keras
import numpy as np
import pytest
from golden.norms import unit
from golden.tanh_net import TanhNet, kl, softmax
from golden.weight_gradients import weight_gradients
from keras.ops import convert_to_tensor as tensor

from keras_vat import regularizers

RANDOM = np.random.default_rng(4)
X, Y = RANDOM.normal(size=(6, 5)), np.array([0, 1, 2, 3, 0, 1])
EPSILON, RADIUS, THRESHOLD, FACTOR = 0.7, 1.25, 0.3, 0.75
LATENT = RANDOM.normal(size=(5, 5)) + 2 * np.eye(5)
PRECISION = 1e-5
DIRECTION = unit(RANDOM.normal(size=X.shape))


class LinearGenerator:
    def encode(self, x):
        return x @ tensor(np.linalg.inv(LATENT))

    def decode(self, z):
        return z @ tensor(LATENT)


def loss_slope(net):
    """Of the cross-entropy, to the inputs."""
    return np.einsum("nki,nk->ni", net.jacobian(X), softmax(net.logits(X)) - np.eye(4)[Y])


def cross_entropy(logits):
    return -np.mean(np.log(softmax(logits)[np.arange(len(Y)), Y]))


def divergence_at(net, moved):
    """As a function of a net: from what this one says at x to what that one says at other rows."""
    target = softmax(net.logits(X))
    return lambda net: np.mean(kl(target, softmax(net.logits(moved))))


def at(net):
    moved = X + EPSILON * unit(loss_slope(net))
    return lambda net: cross_entropy(net.logits(moved))


def rpt(net):
    return divergence_at(net, X + EPSILON * DIRECTION)


def vat(net):
    ascent = np.einsum("nij,nj->ni", net.hessian(X), DIRECTION)
    return divergence_at(net, X + EPSILON * unit(ascent))


def lvat(net):
    hessian = LATENT @ net.hessian(X) @ LATENT.T
    ascent = np.einsum("nij,nj->ni", hessian, DIRECTION)
    return divergence_at(net, X + EPSILON * unit(ascent) @ LATENT)


def entropy(net):
    def mean(net):
        p = softmax(net.logits(X))
        return -np.mean(np.sum(p * np.log(p), -1))

    return mean


def fat(net):
    ascent = np.einsum("nij,nj->ni", net.hessian(X), DIRECTION)
    clean = softmax(net.logits(X))
    ahead, behind = (
        kl(clean, softmax(net.logits(X + sign * EPSILON * unit(ascent)))) for sign in (1, -1)
    )
    step = np.where((ahead >= behind)[:, None], 1, -1) * unit(ascent)
    bad = X + RADIUS * step
    kept = softmax(net.logits(bad)).max(-1) <= 1 - THRESHOLD
    assert 0 < kept.sum() < len(X)
    divergence = divergence_at(net, X + EPSILON * step)

    def penalty(net):
        q = extended_softmax(net.logits(X))[:, :-1]
        true = -np.mean(np.sum(q * np.log(q), -1))
        fake = -np.mean(np.log(extended_softmax(net.logits(bad))[kept, -1]))
        return divergence(net) + FACTOR * (true + fake)

    return penalty


def extended_softmax(logits):
    """Probabilities of K + 1 classes, the last logit 0."""
    return softmax(np.concatenate([logits, np.zeros((len(logits), 1))], -1))


def vmt(net):
    """The shift of a signal of five positions: the change of the loss along dx/dt."""
    return lambda net: np.mean(
        np.abs(np.sum(unit(loss_slope(net)) * np.gradient(X, axis=1), axis=-1))
    )


def make(name):
    """The regularizer, with the directions that NumPy takes, and its classifier's inputs."""
    arguments = {
        "at": {"epsilon": EPSILON},
        "rpt": {"epsilon": EPSILON},
        "vat": {"epsilon": EPSILON, "curvature": "exact"},
        "lvat": {
            "generator": LinearGenerator(),
            "epsilon": EPSILON,
            "reference": "reconstruction",
            "curvature": "exact",
        },
        "entropy": {},
        "fat": {
            "epsilon": EPSILON,
            "radius": RADIUS,
            "threshold": THRESHOLD,
            "bad_sample_weight": FACTOR,
            "curvature": "exact",
        },
        "vmt": {"fields": "shift"},
    }[name]
    regularizer = regularizers.get(name, **arguments)
    if name in ("rpt", "vat", "lvat", "fat"):
        regularizer.perturbation.random_direction = lambda forward, x: [tensor(DIRECTION)]
    return regularizer


def on_signals(model):
    """The same net for rows of shape `(positions, 1)`."""
    inputs = keras.Input((5, 1), dtype="float64")
    return keras.Model(inputs, model(keras.layers.Flatten(dtype="float64")(inputs)))


def numeric_gradients(function, net, step=1e-6):
    gradients = []
    for weight in net.weights:
        gradients.append(np.zeros_like(weight))
        for place in np.ndindex(weight.shape):
            start, sides = weight[place], []
            for sign in (1, -1):
                weight[place] = start + sign * step
                sides.append(function(net))
            weight[place] = start
            gradients[-1][place] = (sides[0] - sides[1]) / (2 * step)
    return gradients


@pytest.mark.parametrize("method", [at, rpt, vat, entropy, vmt, fat, lvat])
def test_penalty_and_weight_gradients(method):
    net, name = TanhNet(), method.__name__
    model = net.keras_model()
    x = X if name != "vmt" else X[..., None]
    classifier = model if name != "vmt" else on_signals(model)
    regularizer = make(name)
    labels = Y if name in ("at", "vmt") else None
    value, gradients = weight_gradients(
        lambda: regularizer.penalty(classifier, tensor(x), labels), model.trainable_weights
    )
    penalty = method(net)
    assert float(value) == pytest.approx(penalty(net), rel=PRECISION)
    for found, expected in zip(gradients, numeric_gradients(penalty, net), strict=True):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(found, expected, atol=PRECISION * np.abs(expected).max())
