"""Settings of perturbations: saved, loaded, refused."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_tensor as tensor

from keras_vat.perturbations import (
    AdversarialPerturbation,
    RandomPerturbation,
    VirtualAdversarialPerturbation,
)

X = np.random.default_rng(1).normal(size=(6, 5))


@pytest.mark.parametrize(
    "perturbation",
    [
        RandomPerturbation(1.0, seed=3, clip=(0, 1)),
        AdversarialPerturbation(1.0, norm="linf"),
        VirtualAdversarialPerturbation(
            2.0, 2, "finite_difference", 1e-6, True, "reverse_kl", seed=1, joint_norm=False
        ),
    ],
    ids=["random", "adversarial", "virtual"],
)
def test_config_round_trip(perturbation):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(perturbation))
    assert type(copy) is type(perturbation)
    assert copy.get_config() == perturbation.get_config()


def test_masks_survive_the_round_trip(model):
    one = RandomPerturbation(1.0, seed=3, mask=[0, 1, 1, 0, 1])
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(one))
    np.testing.assert_array_equal(one(model, tensor(X)), copy(model, tensor(X)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epsilon": 0.0}, ValueError, "`epsilon` must be a finite number above 0.*epsilon=0.0"),
        ({"epsilon": -1}, ValueError, "`epsilon` must be .*epsilon=-1"),
        ({"epsilon": "1"}, TypeError, "`epsilon` must be .*epsilon='1'"),
        ({"num_power_iterations": -1}, ValueError, "`num_power_iterations` must be at least 0"),
        ({"num_power_iterations": 1.5}, TypeError, "`num_power_iterations` must be an integer"),
        ({"curvature": "secant"}, ValueError, "`curvature` must be one of .*curvature='secant'"),
        ({"curvature": "largest_logit"}, ValueError, "`curvature` must be one of .*'at_epsilon'"),
        (
            {"curvature": "exact", "xi": 0.1},
            ValueError,
            "`xi` must be left out where `curvature` is 'exact'.*Received: xi=0.1",
        ),
        (
            {"curvature": "at_epsilon", "xi": 0.1},
            ValueError,
            "`xi` must be left out where `curvature` is 'at_epsilon'",
        ),
        ({"xi": 0.0}, ValueError, "`xi` must be a finite number above 0"),
        ({"divergence": "js"}, ValueError, "`divergence` must be .*divergence='js'"),
        ({"clip": (1, 0)}, ValueError, r"`clip` must be \(low, high\) .*clip=\(1, 0\)"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        VirtualAdversarialPerturbation(**{"epsilon": 1.0, **arguments})


def test_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="`norm` must be one of .*norm='l1'"):
        AdversarialPerturbation(1.0, norm="l1")


def test_missing_labels_are_named(model):
    with pytest.raises(ValueError, match="`y` is needed: AdversarialPerturbation is"):
        AdversarialPerturbation(1.0)(model, tensor(X))


def test_integer_inputs_are_refused(image_model):
    with pytest.raises(TypeError, match=r"`x` must have at least one floating input.*\['uint8'\]"):
        RandomPerturbation(1.0)(image_model, np.zeros((2, 6, 4, 2), "uint8"))


@pytest.mark.parametrize("shape", [(6, 4), (3, 6, 4, 2), (6, 2, 4, 2)])
def test_a_mask_that_does_not_fit_an_example_is_refused(image_model, shape):
    x = np.zeros((3, 6, 4, 2), "float32")
    with pytest.raises(ValueError, match=r"`mask` must broadcast .*examples of shape \(6, 4, 2"):
        RandomPerturbation(1.0, mask=np.ones(shape))(image_model, x)
