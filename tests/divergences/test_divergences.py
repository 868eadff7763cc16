"""Closed forms against NumPy in float64, numeric derivatives, and saturated logits."""

import math

import numpy as np
import pytest
from golden.tanh_net import kl, sigmoid, softmax
from keras import ops
from keras.ops import convert_to_tensor as tensor

from keras_vat import divergences
from keras_vat.autodiff import gradient
from keras_vat.divergences import DISTRIBUTIONS, Bernoulli, Categorical, Gaussian

RANDOM = np.random.default_rng(0)
A, B, U = RANDOM.normal(size=(3, 5, 4)) * 2


def bernoulli_kl(a, b):
    p, q = sigmoid(a), sigmoid(b)
    return np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)), axis=-1)


EXPECTED_KL = {
    "categorical": lambda a, b: kl(softmax(a), softmax(b)),
    "bernoulli": bernoulli_kl,
    "gaussian": lambda a, b: np.mean((a - b) ** 2, axis=-1) / 2,
}


def numeric_hessian_product(function, at, direction, step=1e-4):
    """Second differences of a function of `(batch, k)`, row by row."""
    rows, size = at.shape
    hessian = np.zeros((rows, size, size))
    for i in range(size):
        for j in range(size):
            e, f = step * np.eye(size)[i], step * np.eye(size)[j]
            hessian[:, i, j] = (
                function(at + e + f)
                - function(at + e - f)
                - function(at - e + f)
                + function(at - e - f)
            ) / (4 * step**2)
    return np.einsum("nij,nj->ni", hessian, direction)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_kl_is_the_closed_form(name):
    found = DISTRIBUTIONS[name].kl(tensor(A), tensor(B))
    np.testing.assert_allclose(found, EXPECTED_KL[name](A, B), rtol=1e-10)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_fisher_product_is_the_hessian_of_the_kl(name):
    found = DISTRIBUTIONS[name].fisher_product(tensor(A), tensor(U))
    expected = numeric_hessian_product(lambda b: EXPECTED_KL[name](A, b), A, U)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("identifier", ["kl", "reverse_kl", "squared_error"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_curvature_is_the_hessian_of_the_divergence(identifier, name):
    divergence = divergences.get(identifier, DISTRIBUTIONS[name])
    found = divergence.curvature(tensor(A), tensor(U))
    expected = numeric_hessian_product(lambda b: np.array(divergence(tensor(A), tensor(b))), A, U)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_curvature_of_a_callable_is_differentiated():
    divergence = divergences.get(Categorical().kl, Categorical())
    np.testing.assert_allclose(
        divergence.curvature(tensor(A), tensor(U)),
        Categorical().fisher_product(tensor(A), tensor(U)),
        rtol=1e-10,
    )


def test_reverse_kl_swaps_the_arguments():
    found = divergences.get("reverse_kl", Categorical())(tensor(A), tensor(B))
    np.testing.assert_allclose(found, kl(softmax(B), softmax(A)), rtol=1e-10)


def test_squared_error_is_between_probabilities():
    found = divergences.get("squared_error", Bernoulli())(tensor(A), tensor(B))
    np.testing.assert_allclose(found, np.mean((sigmoid(A) - sigmoid(B)) ** 2, -1), rtol=1e-10)
    found = divergences.get("squared_error", Categorical())(tensor(A), tensor(B))
    np.testing.assert_allclose(found, np.sum((softmax(A) - softmax(B)) ** 2, -1), rtol=1e-10)


def test_entropies_are_the_closed_forms():
    p, s = softmax(A), sigmoid(A)
    np.testing.assert_allclose(
        Categorical().entropy(tensor(A)), -np.sum(p * np.log(p), -1), rtol=1e-10
    )
    np.testing.assert_allclose(
        Bernoulli().entropy(tensor(A)),
        -np.mean(s * np.log(s) + (1 - s) * np.log(1 - s), -1),
        rtol=1e-10,
    )
    np.testing.assert_allclose(Gaussian().entropy(tensor(A)), 0.5 * math.log(2 * math.pi * math.e))


@pytest.mark.parametrize("one_hot", [False, True])
def test_categorical_likelihood_takes_class_numbers_and_one_hot_rows(one_hot):
    y = np.array([0, 1, 2, 3, 1])
    labels = np.eye(4)[y] if one_hot else y
    found = Categorical().negative_log_likelihood(tensor(labels), tensor(A))
    np.testing.assert_allclose(found, -np.log(softmax(A)[np.arange(5), y]), rtol=1e-10)


def test_categorical_likelihood_takes_a_column_of_class_numbers():
    y = np.array([[0], [1], [2], [3], [1]])
    found = Categorical().negative_log_likelihood(tensor(y), tensor(A))
    np.testing.assert_allclose(found, -np.log(softmax(A)[np.arange(5), y[:, 0]]), rtol=1e-10)


def test_bernoulli_likelihood_of_one_unit_takes_flat_labels():
    y, logits = np.array([0, 1, 1, 0, 1]), A[:, :1]
    found = Bernoulli().negative_log_likelihood(tensor(y), tensor(logits))
    p = sigmoid(logits[:, 0])
    np.testing.assert_allclose(found, -np.log(np.where(y == 1, p, 1 - p)), rtol=1e-10)


def test_gaussian_likelihood_is_that_of_unit_variance():
    found = Gaussian().negative_log_likelihood(tensor(B), tensor(A))
    expected = np.mean((A - B) ** 2 / 2 + 0.5 * np.log(2 * np.pi), -1)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


# A mask of rows, of positions, of both axes of pictures, and of the labels as well.
MASKS = {
    "none": None,
    "rows": np.array([True, False, True]),
    "positions": np.arange(6) < np.array([[6], [2], [0]]),
    "pixels": RANDOM.random((3, 6, 2)) < 0.5,
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_of_several_parts_an_example_has_the_mean_of_those_that_count(name, mask):
    a, b, u = RANDOM.normal(size=(3, 3, 6, 2, 4))
    mask = MASKS[mask]
    distribution = DISTRIBUTIONS[name].masked(None if mask is None else tensor(mask))
    every = np.ones((3, 6, 2), bool) if mask is None else mask
    every = np.broadcast_to(every.reshape(every.shape + (1,) * (3 - every.ndim)), (3, 6, 2))
    number = np.maximum(every.sum((1, 2)), 1)
    expected = np.sum(np.where(every, EXPECTED_KL[name](a, b), 0), (1, 2)) / number
    np.testing.assert_allclose(distribution.kl(tensor(a), tensor(b)), expected, rtol=1e-10)
    # The Fisher product is that of the mean, one part at a time.
    one_by_one = np.array(DISTRIBUTIONS[name].fisher_product(*map(flat, (a, u))))
    expected = np.where(every[..., None], one_by_one.reshape(a.shape), 0)
    np.testing.assert_allclose(
        distribution.fisher_product(tensor(a), tensor(u)),
        expected / number[:, None, None, None],
        rtol=1e-10,
    )
    if mask is not None:
        np.testing.assert_array_equal(distribution.rows_that_count, every.any((1, 2)))


def flat(logits):
    return tensor(logits.reshape(-1, logits.shape[-1]))


def test_two_masks_hold_together():
    rows, positions = MASKS["rows"], MASKS["positions"]
    for first, second in ((rows, positions), (positions, rows)):
        both = Categorical().masked(tensor(first)).masked(tensor(second))
        np.testing.assert_array_equal(both.rows_that_count, [True, False, False])


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_saturated_logits_give_finite_values_and_a_gradient(name):
    clean = tensor([[1000.0, -1000.0]], "float32")
    distribution = DISTRIBUTIONS[name]
    value = distribution.kl(clean, -clean)
    slope = gradient(lambda parts: distribution.kl(clean, parts[0]), [-clean])[0]
    assert np.isfinite(value) and np.all(np.isfinite(slope)) and np.any(slope != 0)
    assert np.isfinite(distribution.entropy(clean))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_divergence_of_equal_outputs_is_exactly_zero(name):
    logits = tensor(A, "float32")
    np.testing.assert_array_equal(DISTRIBUTIONS[name].kl(logits, logits), np.zeros(5))


def test_labels_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"`y` must be class numbers .*Received: y.shape=\(5, 3\)"):
        Categorical().negative_log_likelihood(ops.zeros((5, 3)), tensor(A))
    with pytest.raises(ValueError, match="`y` must have the shape of the classifier's output"):
        Bernoulli().negative_log_likelihood(ops.zeros((5,)), tensor(A))


def test_unknown_divergence_is_refused():
    with pytest.raises(ValueError, match="`divergence` must be .*Received: divergence='js'"):
        divergences.get("js", Categorical())
