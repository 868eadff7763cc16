import numpy as np
import pytest

from keras_vat.generators.glow import folded_convolution as folding
from keras_vat.generators.glow.actnorm import Actnorm
from keras_vat.generators.glow.invertible_convolution import InvertibleConvolution
from keras_vat.generators.glow.map_channels import map_channels


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    actnorm, convolution = Actnorm(3, 4), InvertibleConvolution(3, 4, rng)
    for weight in actnorm.trainable_weights + convolution.trainable_weights:
        weight.assign(np.asarray(weight.value) + 0.3 * rng.normal(size=weight.shape))
    return actnorm, convolution


def test_is_actnorm_and_then_convolution(parts):
    actnorm, convolution = parts
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 4))
    matrix, bias = folding.fold(actnorm, convolution)
    for k in range(3):
        log_scale, shift = np.float64(actnorm.log_scale.numpy()[k]), actnorm.shift.numpy()[k]
        normalized = x * np.exp(log_scale) + shift
        expected = normalized @ np.asarray(convolution.matrices("float64"))[k]
        np.testing.assert_allclose(map_channels(x, matrix[k], bias[k]), expected, atol=1e-12)


def test_stored_maps_are_inverse_to_each_other(parts):
    folded = folding.FoldedConvolution(3, 4)
    folded.store(*parts)
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 4)).astype("float32")
    for k in range(3):
        y = map_channels(x, folded.matrix.value[k], folded.bias.value[k])
        back = map_channels(y, folded.inverse_matrix.value[k], folded.inverse_bias.value[k])
        np.testing.assert_allclose(back, x, atol=1e-5)
    expected = np.linalg.slogdet(np.float64(folded.matrix.numpy()))[1].sum()
    np.testing.assert_allclose(folded.log_det.numpy(), expected, rtol=1e-5)


def test_nothing_is_trainable():
    assert folding.FoldedConvolution(3, 4).trainable_variables == []
