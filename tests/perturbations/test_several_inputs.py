"""Perturbations of models with several inputs."""

import keras
import numpy as np
import pytest
from golden.norms import norms
from keras import ops

from keras_vat.forward.perturbable import Perturbable, as_tensors
from keras_vat.perturbations import (
    RandomPerturbation,
    VirtualAdversarialPerturbation,
)


def two_input_model():
    keras.utils.set_random_seed(0)
    image, number = keras.Input((2, 3), name="a"), keras.Input((4,), name="b")
    token = keras.Input((1,), dtype="int32", name="token")
    layers = keras.layers
    joined = layers.Concatenate()(
        [layers.Flatten()(image), number, layers.Flatten()(layers.Embedding(5, 2)(token))]
    )
    return keras.Model({"a": image, "b": number, "token": token}, layers.Dense(3)(joined))


def two_inputs():
    random = np.random.default_rng(0)
    return {
        "a": random.normal(size=(5, 2, 3)).astype("float32"),
        "b": random.normal(size=(5, 4)).astype("float32"),
        "token": np.arange(5, dtype="int32")[:, None],
    }


@pytest.mark.parametrize("kind", [RandomPerturbation, VirtualAdversarialPerturbation])
def test_one_norm_over_all_floating_inputs_and_integers_pass_through(kind):
    model, x = two_input_model(), two_inputs()
    r = kind(2.0, seed=0)(model, x)
    np.testing.assert_allclose(norms(r["a"]) ** 2 + norms(r["b"]) ** 2, 4.0, rtol=1e-5)
    np.testing.assert_array_equal(r["token"], np.zeros((5, 1)))
    perturbed = kind(2.0, seed=0).perturb(model, x)
    np.testing.assert_array_equal(perturbed["token"], x["token"])


def test_each_input_has_the_norm_apart_when_told():
    r = VirtualAdversarialPerturbation(2.0, joint_norm=False)(two_input_model(), two_inputs())
    np.testing.assert_allclose([norms(r["a"]), norms(r["b"])], 2.0, rtol=1e-5)


@pytest.mark.parametrize(
    "mask",
    [
        {"a": np.zeros((2, 3)), "b": np.ones(4), "token": np.zeros(1)},
        [np.zeros((2, 3)), np.ones(4)],
    ],
    ids=["like x", "floating inputs only"],
)
def test_mask_by_input(mask):
    r = RandomPerturbation(2.0, mask=mask)(two_input_model(), two_inputs())
    assert not np.any(r["a"])
    np.testing.assert_allclose(norms(r["b"]), 2.0, rtol=1e-5)


def test_a_mask_that_fits_no_input_is_named():
    with pytest.raises(ValueError, match="`mask` must be one array or a structure like the inputs"):
        RandomPerturbation(1.0, mask=[np.ones(4)] * 4)(two_input_model(), two_inputs())


def test_perturbable_puts_floating_parts_back_in_place():
    x = as_tensors(two_inputs())
    shifted = Perturbable(x).shift([ops.ones((5, 2, 3)), ops.ones((5, 4))])
    np.testing.assert_allclose(shifted["a"], x["a"] + 1.0)
    np.testing.assert_array_equal(shifted["token"], x["token"])
