import numpy as np
import pytest

from keras_vat.generators.glow.invertible_convolution import InvertibleConvolution, plu


@pytest.fixture
def convolution():
    return InvertibleConvolution(3, 6, np.random.default_rng(0), dtype="float64")


@pytest.mark.parametrize("n", [1, 2, 7])
def test_plu_is_a_decomposition(n):
    matrix = np.random.default_rng(n).normal(size=(n, n))
    permutation, lower, upper = plu(matrix)
    np.testing.assert_allclose(permutation @ lower @ upper, matrix, atol=1e-12)
    np.testing.assert_array_equal(np.sort(permutation, axis=0)[:-1], np.zeros((n - 1, n)))
    np.testing.assert_array_equal(permutation.sum(axis=1), np.ones(n))
    np.testing.assert_array_equal(np.tril(lower), lower)
    np.testing.assert_array_equal(np.diag(lower), np.ones(n))
    assert np.abs(lower).max() <= 1.0


def test_plu_pivots():
    permutation, lower, upper = plu(np.array([[0.0, 2.0], [1.0, 3.0]]))
    np.testing.assert_array_equal(permutation @ lower @ upper, [[0.0, 2.0], [1.0, 3.0]])


def test_begins_as_different_rotations(convolution):
    matrices = np.asarray(convolution.matrices("float64"))
    for matrix in matrices:
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(6), atol=1e-12)
    assert np.abs(matrices[0] - matrices[1]).max() > 0.1


def test_diagonal_is_the_log_determinant_whatever_the_weights(convolution):
    rng = np.random.default_rng(1)
    for weight in convolution.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    matrices = np.asarray(convolution.matrices("float64"))
    expected = np.linalg.slogdet(matrices)[1]
    found = np.sum(np.asarray(convolution.log_abs_diagonal.value), axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_permutation_and_signs_are_not_trained(convolution):
    assert {weight.name for weight in convolution.trainable_weights} == {
        "lower",
        "upper",
        "log_abs_diagonal",
    }
    signs = np.asarray(convolution.sign.value)
    np.testing.assert_array_equal(np.abs(signs), np.ones((3, 6)))
