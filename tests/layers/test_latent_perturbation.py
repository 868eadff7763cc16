import keras
import numpy as np
import pytest
from golden.quick import QUICK
from golden.small_generators import (
    RNG,
    SHAPE,
    Autoencoder,
    Careless,
    Identity,
    Linear,
    X,
    Y,
    build,
    fresh_vae,
)
from golden.variables import assert_equal, values
from keras import ops

from keras_vat.autodiff import gradient
from keras_vat.generators import BijectorGenerator
from keras_vat.layers import LatentPerturbation


def classifier_around(layer, latent_dim=3):
    """Something trainable before and after the layer; the step comes from the image."""
    inputs = keras.Input(SHAPE)
    step = keras.layers.Dense(latent_dim, name="step")(keras.layers.Flatten()(inputs))
    brighter = keras.layers.Conv2D(1, 1, activation="sigmoid", name="before")(inputs)
    moved = layer([brighter, step])
    outputs = keras.layers.Dense(3, name="after")(keras.layers.Flatten()(moved))
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def test_with_the_identity_it_adds():
    r = RNG.normal(size=X.shape).astype("float32")
    np.testing.assert_array_equal(LatentPerturbation(Identity())([X, r]), X + r)


@pytest.mark.parametrize("container", [list, tuple])
def test_with_a_linear_generator_of_two_parts(container):
    r = [RNG.normal(size=(6, size)).astype("float32") for size in (5, 3)]
    moved = LatentPerturbation(Linear())([X, container(r)])
    z = X.reshape(6, 16) @ Linear.encoder + np.concatenate(r, axis=1)
    np.testing.assert_allclose(np.reshape(moved, (6, 16)), z @ Linear.decoder, rtol=1e-4, atol=1e-4)


def test_with_a_vae_it_is_decode_of_encode_and_step():
    vae = fresh_vae()
    r = RNG.normal(size=(6, 3)).astype("float32")
    expected = vae.decode(vae.encode(X) + r)
    np.testing.assert_allclose(LatentPerturbation(vae)([X, r]), expected, rtol=1e-6)
    assert np.abs(expected - vae(X)).max() > 1e-3


def test_gradients_flow_to_images_and_steps():
    layer = LatentPerturbation(Linear())
    r = [np.zeros((6, size), "float32") for size in (5, 3)]
    x, r = ops.convert_to_tensor(X), [ops.convert_to_tensor(part) for part in r]
    upstream = RNG.normal(size=X.shape).astype("float32")
    by_x, *by_r = gradient(lambda parts: layer([parts[0], parts[1:]]) * upstream, [x, *r])
    by_z = upstream.reshape(6, 16) @ Linear.decoder.T
    np.testing.assert_allclose(np.concatenate(by_r, axis=1), by_z, rtol=1e-4, atol=1e-4)
    expected = by_z @ Linear.encoder.T
    np.testing.assert_allclose(np.reshape(by_x, (6, 16)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", [fresh_vae, lambda: build(Autoencoder())])
def test_a_functional_model_trains_around_a_generator_that_stays(make):
    generator = make()
    latent = generator.encode(X).shape[1:]
    layer = LatentPerturbation(generator)
    if len(latent) == 1:
        model = classifier_around(layer)
    else:
        inputs = keras.Input(SHAPE)
        brighter = keras.layers.Conv2D(1, 1, name="before")(inputs)
        step = keras.layers.Conv2D(latent[-1], 1, name="step")(inputs)
        moved = keras.layers.Flatten()(layer([brighter, step]))
        model = keras.Model(inputs, keras.layers.Dense(3, name="after")(moved))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, **QUICK)
    assert {weight.path.split("/")[0] for weight in model.trainable_weights} == {
        "before",
        "step",
        "after",
    }
    before, others = values(generator.variables), values(model.trainable_weights)
    model.fit(X, Y, batch_size=3, epochs=2, verbose=0)
    assert_equal(values(generator.variables), before)
    for old, new in zip(others, values(model.trainable_weights), strict=True):
        assert np.abs(new - old).max() > 0


def test_the_layer_owns_no_trainable_weight_whatever_is_set_around_it():
    generator = build(Autoencoder())
    layer = LatentPerturbation(generator)
    images, step = keras.Input(SHAPE), keras.Input((4, 4, 2))
    model = keras.Model([images, step], keras.layers.Dense(2)(layer([images, step])))
    model.trainable = False
    model.trainable = True
    assert len(model.trainable_weights) == 2
    assert not layer.trainable and layer.trainable_weights == []
    assert not generator.norm.trainable and generator.trainable_weights == []
    assert len(layer.weights) == len(generator.weights) == 8


def test_a_careless_generator_runs_in_inference_mode_and_keeps_its_state():
    generator = Careless()
    layer = LatentPerturbation(generator)

    class Around(keras.layers.Layer):
        def call(self, x, training=None):
            return layer([x, keras.ops.zeros_like(x)], training=training)

    before = values(generator.state)
    expected = X / np.sqrt(1 + 1e-3)  # fresh averages, nothing dropped
    np.testing.assert_allclose(Around()(X, training=True), expected, rtol=1e-5)
    assert_equal(values(generator.state), before)


def test_layers_called_after_it_keep_their_mode():
    class Around(keras.Model):
        def __init__(self):
            super().__init__()
            self.perturbed = LatentPerturbation(fresh_vae())
            self.dropout = keras.layers.Dropout(0.5)

        def call(self, x):
            return self.dropout(self.perturbed([x, keras.ops.zeros((6, 3))]))

    around = Around()
    assert np.mean(around(X, training=True) == 0.0) > 0.2
    assert np.mean(around(X, training=False) == 0.0) == 0.0


def test_several_parts_in_a_functional_model():
    images, first, second = keras.Input(SHAPE), keras.Input((5,)), keras.Input((3,))
    moved = LatentPerturbation(Linear())([images, [first, second]])
    assert moved.shape == (None, *SHAPE)
    model = keras.Model([images, first, second], moved)
    r = [RNG.normal(size=(6, size)).astype("float32") for size in (5, 3)]
    expected = LatentPerturbation(Linear())([X, r])
    np.testing.assert_allclose(model([X, *r]), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.backend("tensorflow")
def test_a_bijector_in_a_functional_model():
    tfb = pytest.importorskip(
        "tensorflow_probability", reason="bijectors come from this extra"
    ).bijectors
    bijector = tfb.Chain([tfb.Scale(2.0), tfb.Reshape(SHAPE, [16])])
    images, step = keras.Input(SHAPE), keras.Input((16,))
    moved = LatentPerturbation(BijectorGenerator(bijector))([images, step])
    r = RNG.normal(size=(6, 16)).astype("float32")
    expected = X + 2.0 * r.reshape(X.shape)
    np.testing.assert_allclose(keras.Model([images, step], moved)([X, r]), expected, rtol=1e-5)


def test_half_precision_around_it():
    vae = fresh_vae()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = classifier_around(LatentPerturbation(vae))
        assert np.isfinite(model.train_on_batch(X, Y)).all()
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (X, r"`inputs` must be `\[x, r\]`: images and a step.* one .* of shape \(6, 4, 4, 1\)\W"),
        ([X], r"`inputs` must be `\[x, r\]`.* Received: a list of 1"),
        ([X, X, X], r"Received: a list of 3"),
        (
            [X, np.zeros((6, 4), "float32")],
            r"`r` must have the parts and shapes .* r.shape=\(6, 4\) for a latent of \(6, 3\)",
        ),
        (
            [X, [np.zeros((6, 3), "float32")] * 2],
            r"Received: r.shape=\[\(6, 3\), \(6, 3\)\] for a latent of \(6, 3\)",
        ),
    ],
)
def test_refuses_other_inputs(inputs, message):
    with pytest.raises(ValueError, match=message):
        LatentPerturbation(fresh_vae())(inputs)


def test_refuses_two_arguments_in_the_place_of_a_list():
    with pytest.raises(TypeError, match=r"`inputs`.* on `\[x, r\]`. Received: 2 positional"):
        LatentPerturbation(Identity())(X, X)


def test_refuses_a_generator_that_decodes_to_another_shape():
    class Cropping(Identity):
        def decode(self, z):
            return z[:, :3]

    layer = LatentPerturbation(Cropping())
    message = r"must decode to the shape of its inputs. .*\(6, 3, 4, 1\), x.shape=\(6, 4, 4, 1\)"
    with pytest.raises(ValueError, match=message):
        layer([X, X])
    with pytest.raises(ValueError, match="must decode to the shape of its inputs"):
        layer([keras.Input(SHAPE), keras.Input(SHAPE)])


def test_refuses_what_is_no_generator():
    with pytest.raises(TypeError, match="`generator` must have the methods `encode"):
        LatentPerturbation(keras.layers.Dense(2))
