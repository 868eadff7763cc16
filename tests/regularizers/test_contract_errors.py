"""What every regularizer refuses, and how it says so."""

import keras
import numpy as np
import pytest

from keras_vat.regularizers.perturbation_regularizer import PerturbationRegularizer
from keras_vat.regularizers.registry import REGULARIZERS

every_method = pytest.mark.parametrize("method", sorted(REGULARIZERS))
PERTURBATION_METHODS = [
    name for name, cls in sorted(REGULARIZERS.items()) if issubclass(cls, PerturbationRegularizer)
]
perturbation_method = pytest.mark.parametrize("method", PERTURBATION_METHODS)


@every_method
@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_refuses_weights_below_zero(make, method, weight):
    with pytest.raises(ValueError, match="`weight` must be a finite number of at least 0"):
        make(method, weight=weight)


@every_method
def test_refuses_weights_that_are_no_numbers(make, method):
    with pytest.raises(TypeError, match=r"`weight` .*Received: weight='1' \(of type str\)"):
        make(method, weight="1")


@every_method
@pytest.mark.parametrize("seed", ["1", 1.5])
def test_refuses_seeds_that_are_no_integers(make, method, seed):
    with pytest.raises((TypeError, ValueError), match=rf"`seed` must be an integer.*{seed}"):
        make(method, seed=seed)


@perturbation_method
@pytest.mark.parametrize("epsilon", [0, -1.0, float("inf"), float("nan")])
def test_refuses_epsilons_that_are_not_above_zero(make, method, epsilon):
    with pytest.raises(ValueError, match="`epsilon` must be a finite number above 0. Received"):
        make(method, epsilon=epsilon)


@perturbation_method
@pytest.mark.parametrize("epsilon", ["1", None, True, [1.0], np.ones(2)], ids=str)
def test_refuses_epsilons_that_are_no_numbers(make, method, epsilon):
    with pytest.raises(TypeError, match="`epsilon` must be a finite number above 0.*of type"):
        make(method, epsilon=epsilon)


@perturbation_method
def test_refuses_integer_inputs(make, method):
    classifier = keras.Sequential([keras.Input((4,), dtype="int32"), keras.layers.Embedding(9, 3)])
    tokens, y = np.ones((2, 4), "int32"), np.zeros((2, 4), "int32")
    with pytest.raises(TypeError, match=r"`x` must have at least one floating input.*\['int32'\]"):
        make(method).penalty(classifier, tokens, y)


@every_method
def test_refuses_what_is_no_model(make, method):
    x, y = np.zeros((2, 6, 6, 1), "float32"), np.zeros(2, "int32")
    with pytest.raises(TypeError, match="`classifier` must be a .*Keras model.*of type function"):
        make(method).penalty(lambda x: x, x, y)
