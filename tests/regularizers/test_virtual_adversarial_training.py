"""VAT and RPT where the answer is known, and the arguments of both."""

import keras
import numpy as np
import pytest

from keras_vat import Forward
from keras_vat.regularizers import RandomPerturbationTraining, VirtualAdversarialTraining


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.fixture
def regression():
    """f(x) = w x + b, of which the Hessian of the divergence is w w^T, and w."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    return Forward(model, output="gaussian"), np.float64(model.layers[0].kernel)[:, 0]


@pytest.mark.parametrize("curvature", ["auto", "exact", "logit_difference", "finite_difference"])
def test_one_iteration_finds_the_only_direction_that_matters(regression, rows, curvature):
    forward, w = regression
    vat = VirtualAdversarialTraining(0.7, curvature=curvature, seed=0)
    expected = 0.5 * 0.7**2 * (w @ w)
    assert float(vat.penalty(forward, rows.x)) == pytest.approx(expected, rel=1e-3)


def test_no_iteration_is_random_perturbation_training(make_classifier, rows):
    classifier = make_classifier()
    vat = VirtualAdversarialTraining(0.7, num_power_iterations=0, seed=3)
    rpt = RandomPerturbationTraining(0.7, seed=3)
    assert float(vat.penalty(classifier, rows.x)) == float(rpt.penalty(classifier, rows.x))


def test_random_perturbation_training_of_a_regression(regression, rows):
    forward, w = regression
    r = np.float64(RandomPerturbationTraining(0.7, seed=3).perturbation(forward, rows.x))
    np.testing.assert_allclose(np.linalg.norm(r, axis=1), 0.7, rtol=1e-5)
    penalty = RandomPerturbationTraining(0.7, seed=3).penalty(forward, rows.x)
    assert float(penalty) == pytest.approx(np.mean(0.5 * (r @ w) ** 2), rel=1e-3)


def test_penalty_is_the_divergence_at_its_own_perturbation(make_classifier, rows):
    classifier = make_classifier()
    r = VirtualAdversarialTraining(0.7, seed=3).perturbation(classifier, rows.x)
    p, q = (softmax(np.float64(classifier(x))) for x in (rows.x, rows.x + r))
    vat = VirtualAdversarialTraining(0.7, seed=3)
    expected = (p * np.log(p / q)).sum(axis=1).mean()
    assert float(vat.penalty(classifier, rows.x)) == pytest.approx(expected, rel=1e-3)


def own_divergence(clean_logits, perturbed_logits):
    return keras.ops.sum(keras.ops.square(clean_logits - perturbed_logits), axis=-1)


@pytest.mark.parametrize(
    "divergence, formula",
    [
        ("reverse_kl", lambda a, b: softmax(b) * np.log(softmax(b) / softmax(a))),
        ("squared_error", lambda a, b: (softmax(a) - softmax(b)) ** 2),
        (own_divergence, lambda a, b: (a - b) ** 2),
    ],
)
def test_other_divergences(make_classifier, rows, divergence, formula):
    classifier = make_classifier()
    first, second = (
        VirtualAdversarialTraining(0.7, divergence=divergence, seed=3) for _ in range(2)
    )
    moved = rows.x + first.perturbation(classifier, rows.x)
    expected = formula(np.float64(classifier(rows.x)), np.float64(classifier(moved)))
    penalty = float(second.penalty(classifier, rows.x))
    assert penalty == pytest.approx(expected.sum(axis=1).mean(), rel=1e-3)


def test_sign_search_is_no_worse(make_classifier, rows):
    classifier = make_classifier()
    plain, searched = (
        float(VirtualAdversarialTraining(1.0, sign_search=s, seed=3).penalty(classifier, rows.x))
        for s in (False, True)
    )
    assert searched > plain


@pytest.mark.parametrize("number", [-1, -3])
def test_negative_number_of_iterations(number):
    with pytest.raises(ValueError, match="`num_power_iterations` must be at least 0. Received"):
        VirtualAdversarialTraining(1.0, num_power_iterations=number)


@pytest.mark.parametrize("number", [1.0, "1", None, True])
def test_iterations_that_are_no_integer(number):
    with pytest.raises(TypeError, match="`num_power_iterations` must be an integer.*of type"):
        VirtualAdversarialTraining(1.0, num_power_iterations=number)


@pytest.mark.parametrize(
    "argument, value, error",
    [
        ("curvature", "hessian", ValueError),
        ("divergence", "js", ValueError),
        ("xi", 0.0, ValueError),
        ("xi", "small", TypeError),
        ("clip", (1, 0), ValueError),
    ],
)
def test_unknown_choices(argument, value, error):
    with pytest.raises(error, match=f"`{argument}` must be .*Received: {argument}="):
        VirtualAdversarialTraining(1.0, **{argument: value})
