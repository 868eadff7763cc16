"""Directions against explicit Hessians and gradients in NumPy; norms, masks, ranges, seeds."""

import keras
import numpy as np
import pytest
from golden.norms import norms, unit
from golden.precision import EXACT
from golden.tanh_net import kl, softmax
from golden.weight_gradients import weight_gradients
from keras import ops
from keras.ops import convert_to_tensor as tensor

from keras_vat import Forward
from keras_vat.divergences import Categorical, Divergence
from keras_vat.perturbations import (
    AdversarialPerturbation,
    RandomPerturbation,
    VirtualAdversarialPerturbation,
)
from keras_vat.perturbations.curvature import hessian_product

X = np.random.default_rng(1).normal(size=(6, 5))
Y = np.array([0, 1, 2, 3, 0, 1])
CURVATURES = ("exact", "logit_difference", "finite_difference")


@pytest.mark.parametrize("activation", [None, "softmax"])
@pytest.mark.parametrize(
    "curvature",
    [
        "exact",
        "logit_difference",
        "finite_difference",
    ],
)
def test_hessian_product_is_that_of_the_explicit_hessian(net, curvature, activation):
    d = unit(np.random.default_rng(2).normal(size=X.shape))
    forward = Forward(net.keras_model(activation))
    divergence = Divergence(Categorical().kl, Categorical().fisher_product)
    target = forward.clean(tensor(X)).target
    (found,) = hessian_product(
        forward, tensor(X), divergence, [tensor(d)], curvature, 1e-6, target, 1.0
    )
    expected = np.einsum("nij,nj->ni", net.hessian(X), d)
    tolerance = EXACT if curvature == "exact" else 1e-4
    np.testing.assert_allclose(unit(ops.convert_to_numpy(found)), unit(expected), atol=tolerance)


@pytest.mark.parametrize("curvature", CURVATURES)
def test_power_iteration_finds_the_dominant_eigenvector(net, model, curvature):
    perturbation = VirtualAdversarialPerturbation(2.0, 40, curvature, seed=0)
    found = ops.convert_to_numpy(perturbation(model, tensor(X))) / 2.0
    _, vectors = np.linalg.eigh(net.hessian(X))
    cosine = np.abs(np.sum(found * vectors[:, :, -1], axis=1))
    np.testing.assert_allclose(cosine, 1.0, atol=1e-3 if curvature == "exact" else 1e-2)


@pytest.mark.parametrize("k", [1, 3])
def test_in_training_the_gradient_is_taken_as_far_away_as_r_is(k):
    w = 3.0 * np.random.default_rng(4).normal(size=(5, 4))
    layer = keras.layers.Dense(4, use_bias=False, dtype="float64")
    model = keras.Sequential([keras.Input((5,), dtype="float64"), layer])
    model.set_weights([w])
    perturbation = VirtualAdversarialPerturbation(0.7, k, seed=5)
    found = ops.convert_to_numpy(perturbation(Forward(model, training=True), X))
    start = VirtualAdversarialPerturbation(0.7, 0, seed=5)
    r, p = ops.convert_to_numpy(start(model, X)), softmax(X @ w)
    for _ in range(k):
        r = 0.7 * unit((softmax((X + r) @ w) - p) @ w.T)
    np.testing.assert_allclose(found, r, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("training", [False, True])
def test_at_epsilon_is_the_difference_whose_step_is_epsilon(model, training):
    forward = Forward(model, training=training)
    named = VirtualAdversarialPerturbation(2.0, 2, "at_epsilon", seed=5)
    named.epsilon = 0.7
    stepped = VirtualAdversarialPerturbation(0.7, 2, "finite_difference", xi=0.7, seed=5)
    found = named(forward, tensor(X))
    np.testing.assert_allclose(found, stepped(forward, tensor(X)), rtol=1e-6)
    if training:
        automatic = VirtualAdversarialPerturbation(0.7, 2, seed=5)
        np.testing.assert_array_equal(found, automatic(forward, tensor(X)))


def test_in_training_the_step_follows_epsilon_down_to_what_the_dtype_resolves(model):
    forward = Forward(model, training=True)
    perturbation = VirtualAdversarialPerturbation(2.0)
    x = tensor(X)
    perturbation.epsilon = 0.5
    way, xi = perturbation.method(forward, x)
    assert way == "finite_difference" and float(xi) == 0.5
    perturbation.epsilon = 0.0
    _, xi = perturbation.method(forward, x)
    # The layers compute in float64; the model itself has the global policy, float32.
    assert float(xi) == pytest.approx(1e-5 * np.sqrt(np.mean(np.sum(X**2, axis=1))))
    assert VirtualAdversarialPerturbation(2.0, curvature="exact").method(forward, x)[1] is None
    assert VirtualAdversarialPerturbation(2.0, xi=0.1).method(forward, x) == (way, 0.1)
    assert perturbation.method(Forward(model), x)[0] == "logit_difference"


class Casting(keras.Model):
    """Casts its inputs to its own dtype, as subclassed models do."""

    def __init__(self, dtype):
        super().__init__(dtype=dtype)
        self.dense = keras.layers.Dense(3, dtype="float32")

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize(
    ("made_of", "step"),
    [
        (["float32"], 1e-2),
        (["mixed_bfloat16"], 1e-1),
        (["mixed_bfloat16", "float32"], 1e-1),
        (["float32", "mixed_float16", "float32"], 1e-1),
        (["float64"], 1e-5),
    ],
)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_step_suits_the_coarsest_dtype_that_layers_compute_in(made_of, step, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        stack = [keras.layers.Dense(3, dtype=dtype) for dtype in made_of]
        inner = keras.Sequential([keras.Input((5,), dtype="float32"), *stack])
        inputs = keras.Input((5,), dtype="float32")
        model = keras.Model(inputs, inner(inputs))
    finally:
        keras.config.set_dtype_policy(before)
    x = tensor(X, "float32")
    expected = step * np.sqrt(np.mean(np.sum(X**2, axis=1)))
    _, xi = VirtualAdversarialPerturbation(1.0).method(Forward(model), x)
    assert float(xi) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("dtype", "step"), [("mixed_bfloat16", 1e-1), ("float32", 1e-2)])
def test_a_subclassed_model_computes_in_its_own_dtype(dtype, step):
    model = Casting(dtype)
    model(X)
    _, xi = VirtualAdversarialPerturbation(1.0).method(Forward(model), tensor(X))
    assert float(xi) == pytest.approx(step * np.sqrt(np.mean(np.sum(X**2, axis=1))), rel=1e-5)


def test_virtual_adversarial_perturbation_of_a_linear_classifier_is_the_closed_form():
    w = np.random.default_rng(3).normal(size=(5, 1)).astype("float32")
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, "sigmoid", use_bias=False)])
    model.set_weights([w])
    r = VirtualAdversarialPerturbation(0.5, seed=1)(model, X)
    closed_form = 0.5 * w[:, 0] / np.linalg.norm(w)
    np.testing.assert_allclose(np.abs(r), np.tile(np.abs(closed_form), (6, 1)), rtol=1e-4)


def test_adversarial_perturbation_is_the_normalised_gradient_of_the_loss(net, model):
    error = softmax(net.logits(X)) - np.eye(4)[Y]
    gradient = np.einsum("nki,nk->ni", net.jacobian(X), error)
    l2 = AdversarialPerturbation(0.3)(model, tensor(X), Y)
    linf = AdversarialPerturbation(0.3, norm="linf")(model, tensor(X), Y)
    np.testing.assert_allclose(l2, 0.3 * unit(gradient), rtol=1e-6)
    np.testing.assert_allclose(linf, 0.3 * np.sign(gradient), rtol=1e-6)


def test_random_perturbation_is_isotropic(model):
    x = ops.zeros((20000, 5), "float64")
    r = ops.convert_to_numpy(RandomPerturbation(2.0, seed=3)(model, x))
    np.testing.assert_allclose(r.mean(axis=0), 0.0, atol=0.05)
    np.testing.assert_allclose(np.cov(r.T), 4.0 / 5.0 * np.eye(5), atol=0.05)


@pytest.mark.parametrize(
    "perturbation",
    [
        RandomPerturbation(1.5, seed=0),
        AdversarialPerturbation(1.5),
        VirtualAdversarialPerturbation(1.5, seed=0),
        VirtualAdversarialPerturbation(1.5, num_power_iterations=3, seed=0, sign_search=True),
    ],
    ids=["random", "adversarial", "virtual", "virtual K=3"],
)
def test_norm_is_epsilon_for_every_example_of_any_rank(image_model, perturbation):
    x = np.random.default_rng(0).normal(size=(7, 6, 4, 2)).astype("float32")
    r = perturbation(image_model, x, np.zeros(7, "int32"))
    assert r.shape == x.shape
    np.testing.assert_allclose(norms(r), 1.5, rtol=1e-5)


def test_norm_is_epsilon_where_gradients_are_tiny():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, use_bias=False)])
    model.set_weights([1e-12 * np.random.default_rng(0).normal(size=(5, 3))])
    for perturbation in (AdversarialPerturbation(2.0), VirtualAdversarialPerturbation(2.0)):
        np.testing.assert_allclose(norms(perturbation(model, X, Y % 3)), 2.0, rtol=1e-5)


def test_a_flat_classifier_keeps_the_random_direction():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    model.set_weights([np.zeros((5, 3)), np.zeros(3)])
    r = VirtualAdversarialPerturbation(2.0, seed=0)(model, X)
    np.testing.assert_allclose(norms(r), 2.0, rtol=1e-5)
    np.testing.assert_array_equal(AdversarialPerturbation(2.0)(model, X, Y % 3), np.zeros((6, 5)))


def test_mask_keeps_coordinates_still_and_the_norm(model):
    mask = np.array([1, 0, 1, 1, 0])
    for perturbation in (
        RandomPerturbation(1.0, mask=mask),
        AdversarialPerturbation(1.0, mask=mask),
        VirtualAdversarialPerturbation(1.0, mask=mask),
    ):
        r = ops.convert_to_numpy(perturbation(model, tensor(X), Y))
        assert not r[:, mask == 0].any()
        np.testing.assert_allclose(norms(r), 1.0, rtol=1e-6)
    r = AdversarialPerturbation(1.0, norm="linf", mask=mask)(model, tensor(X), Y)
    np.testing.assert_array_equal(np.abs(r), np.tile(mask, (6, 1)))


def test_masked_power_iteration_finds_the_eigenvector_of_the_masked_hessian(net, model):
    mask = np.array([1, 0, 1, 1, 0])
    r = VirtualAdversarialPerturbation(1.0, 60, "exact", mask=mask)(model, tensor(X))
    _, vectors = np.linalg.eigh(net.hessian(X) * np.outer(mask, mask))
    np.testing.assert_allclose(np.abs(np.sum(r * vectors[:, :, -1], 1)), 1.0, atol=1e-3)


def test_clip_keeps_the_perturbed_inputs_in_range(model):
    x = np.clip(X, -1.0, 1.0)
    perturbation = RandomPerturbation(3.0, seed=0, clip=(-1.0, 1.0))
    perturbed = ops.convert_to_numpy(perturbation.perturb(model, tensor(x)))
    assert perturbed.min() >= -1.0 and perturbed.max() <= 1.0
    assert np.abs(perturbed).max() > 0.999


def test_perturb_adds_the_perturbation(model):
    one, other = (RandomPerturbation(1.0, seed=5) for _ in range(2))
    x = tensor(X)
    np.testing.assert_allclose(one.perturb(model, x), X + other(model, x), rtol=1e-12)


def test_sign_search_keeps_the_sign_with_the_larger_divergence(net, model):
    one = VirtualAdversarialPerturbation(3.0, 1, "exact", seed=2)(model, tensor(X))
    one = ops.convert_to_numpy(one)
    searching = VirtualAdversarialPerturbation(3.0, 1, "exact", sign_search=True, seed=2)
    found = searching(model, tensor(X))
    clean = softmax(net.logits(X))
    ahead, behind = (kl(clean, softmax(net.logits(X + s * one))) for s in (1, -1))
    assert 0 < np.sum(ahead < behind) < len(X)
    expected = np.where((ahead >= behind)[:, None], one, -one)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_no_power_iteration_gives_the_random_perturbation(model):
    virtual = VirtualAdversarialPerturbation(2.0, num_power_iterations=0, seed=4)
    random = RandomPerturbation(2.0, seed=4)
    x = tensor(X)
    np.testing.assert_array_equal(virtual(model, x), random(model, x))


def test_same_seed_same_perturbations_new_ones_each_call(model):
    x = tensor(X)
    one, other = (VirtualAdversarialPerturbation(1.0, seed=9) for _ in range(2))
    first = one(model, x)
    np.testing.assert_array_equal(first, other(model, x))
    assert not np.array_equal(first, one(model, x))


def test_epsilon_is_a_variable_that_a_compiled_function_follows(model, tf):
    perturbation = RandomPerturbation(1.0)
    compiled = tf.function(lambda x: perturbation(model, x))
    np.testing.assert_allclose(norms(compiled(tensor(X))), 1.0)
    perturbation.epsilon = 3.0
    np.testing.assert_allclose(norms(compiled(tensor(X))), 3.0)
    perturbation.epsilon.assign(0.5)
    np.testing.assert_allclose(norms(compiled(tensor(X))), 0.5)
    assert float(perturbation.epsilon) == 0.5


def test_no_gradient_flows_through_the_perturbation(model):
    perturbation = VirtualAdversarialPerturbation(1.0)
    _, gradients = weight_gradients(
        lambda: ops.sum(perturbation(model, tensor(X))), model.trainable_variables
    )
    assert not any(np.any(gradient) for gradient in gradients)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_finds_nearly_the_same_direction(net, model, dtype):
    half = net.keras_model(dtype=dtype)
    best = np.array(VirtualAdversarialPerturbation(1.0, 30, "exact")(model, tensor(X)))
    for curvature in ("auto", "exact"):
        found = VirtualAdversarialPerturbation(1.0, 30, curvature, seed=0)(
            half, X.astype("float32")
        )
        assert np.all(np.abs(np.sum(found * best, axis=1)) > 0.95)
