import types

import keras
import numpy as np
import pytest

from keras_vat.generators import VAE
from keras_vat.generators.check_generator import (
    check_decoded,
    check_generator,
    freeze_generator,
    same_example_shape,
)


def identity(x):
    return x


def test_any_object_with_both_methods_is_one():
    generator = types.SimpleNamespace(encode=identity, decode=identity)
    assert check_generator(generator) is generator
    assert freeze_generator(generator) is generator


@pytest.mark.parametrize(
    ("generator", "missing"),
    [
        (types.SimpleNamespace(encode=identity), "without `decode`"),
        (types.SimpleNamespace(decode=identity, encode=3), "without `encode`"),
        (None, r"\(of type NoneType\), without `encode` and `decode`"),
    ],
)
def test_names_the_argument_and_what_is_missing(generator, missing):
    with pytest.raises(TypeError, match=f"`mine` must have .* Received: mine=.*{missing}"):
        check_generator(generator, "mine")
    with pytest.raises(TypeError, match="`generator` must have"):
        freeze_generator(generator)


def test_a_class_is_no_generator():
    with pytest.raises(TypeError, match="`generator` must be an object.*the class VAE"):
        freeze_generator(VAE)


def test_freezes_by_the_generators_own_way_or_as_a_layer():
    vae = VAE((4, 4, 1), latent_dim=2, widths=(2,))
    assert freeze_generator(vae).frozen

    class Mine(keras.Sequential):
        encode = decode = identity

    mine = Mine([keras.Input((2,)), keras.layers.Dense(2)])
    # As after loading, where the model is not trainable and what is in it is.
    mine._trainable = False
    dense = freeze_generator(mine).layers[0]
    assert not dense.trainable and not any(weight.trainable for weight in dense.weights)


def test_shapes_agree_as_far_as_they_are_known():
    def shape(*sizes):
        return types.SimpleNamespace(shape=sizes)

    assert same_example_shape(shape(None, 4, 4), shape(3, 4, None))
    assert not same_example_shape(shape(3, 4, 4), shape(3, 4, 5))
    assert not same_example_shape(shape(3, 4, 4), shape(3, 4, 4, 1))
    check_decoded(np.zeros((2, 4)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"must decode to the shape .*\(2, 5\), x.shape=\(3, 4\)"):
        check_decoded(np.zeros((2, 5)), np.zeros((3, 4)))
