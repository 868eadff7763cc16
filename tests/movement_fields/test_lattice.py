"""Derivatives of inputs along their lattice, against `numpy.gradient`."""

import numpy as np
import pytest
from keras import ops
from keras.ops import convert_to_tensor as tensor

from keras_vat.movement_fields.lattice import Lattice

SHAPES = [(3, 7, 2), (2, 5, 6, 3), (2, 4, 3, 5, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_change_and_slopes(shape):
    rng = np.random.default_rng(0)
    x, gradient = rng.normal(size=(2, *shape))
    axes = len(shape) - 2
    field = rng.normal(size=(*shape[1:-1], axes))
    lattice = Lattice(tensor(x))
    assert lattice.shape == shape[1:-1]
    derivatives = np.stack([np.gradient(x, axis=axis + 1) for axis in range(axes)], axis=-1)
    np.testing.assert_allclose(
        lattice.change(field)[0], np.einsum("b...cj,...j->b...c", derivatives, field), atol=1e-12
    )
    np.testing.assert_allclose(
        lattice.slopes([tensor(gradient)]),
        np.einsum("b...cj,b...c->b...j", derivatives, gradient),
        atol=1e-12,
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_channels_first_is_the_same_with_the_axes_moved(shape):
    rng = np.random.default_rng(1)
    x, gradient = rng.normal(size=(2, *shape))
    field = rng.normal(size=(*shape[1:-1], len(shape) - 2))
    first = Lattice(tensor(np.moveaxis(x, -1, 1)), "channels_first")
    last = Lattice(tensor(x))
    assert first.shape == last.shape
    np.testing.assert_allclose(
        np.moveaxis(first.change(field)[0], 1, -1), last.change(field)[0], atol=1e-12
    )
    np.testing.assert_allclose(
        first.slopes([tensor(np.moveaxis(gradient, -1, 1))]),
        last.slopes([tensor(gradient)]),
        atol=1e-12,
    )


def test_short_axes():
    x = np.random.default_rng(2).normal(size=(2, 1, 2, 1))
    change = Lattice(tensor(x)).change(np.ones((1, 2, 2)))[0]
    difference = x[:, :, 1] - x[:, :, 0]
    np.testing.assert_allclose(change, np.stack([difference, difference], axis=2), atol=1e-12)


def test_half_precision_keeps_its_dtype_and_is_computed_in_single():
    x = ops.cast(np.random.default_rng(3).uniform(size=(2, 6, 1)), "float16")
    lattice = Lattice(x)
    assert lattice.change(np.ones((6, 1)))[0].dtype == "float16"
    assert lattice.slopes([x]).dtype == "float32"


def test_inputs_without_a_lattice_stay():
    image, features = np.ones((2, 4, 4, 1), "float32"), np.ones((2, 3), "float32")
    lattice = Lattice({"features": tensor(features), "image": tensor(image)})
    change = lattice.change(np.ones((4, 4, 2)))
    assert [part.shape for part in change] == [(2, 3), (2, 4, 4, 1)]
    np.testing.assert_array_equal(change[0], 0)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.ones((2, 9), "float32")], r"must lie on a lattice .* Received: shapes \[\(2, 9\)\]"),
        ([np.ones((2, 9, 1), "float32"), np.ones((2, 8, 1), "float32")], "must have one lattice"),
    ],
)
def test_refused_inputs(inputs, message):
    with pytest.raises(ValueError, match=message):
        Lattice([tensor(x) for x in inputs])


def test_integers_are_refused():
    with pytest.raises(TypeError, match="at least one floating input"):
        Lattice(ops.ones((2, 9, 1), "int32"))


def test_unknown_sizes_are_refused(tf):
    @tf.function(input_signature=[tf.TensorSpec((None, None, 1))])
    def traced(x):
        return Lattice(x).change(np.ones((9, 1)))[0]

    with pytest.raises(ValueError, match="must have a lattice of known size"):
        traced(ops.ones((2, 9, 1)))
