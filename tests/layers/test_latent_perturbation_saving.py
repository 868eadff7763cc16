import keras
import numpy as np
import pytest
from golden.small_generators import (
    RNG,
    SHAPE,
    Autoencoder,
    Doubling,
    Identity,
    X,
    build,
    fresh_vae,
)
from golden.variables import assert_equal, values

from keras_vat.generators import BijectorGenerator, Glow
from keras_vat.layers import LatentPerturbation


@pytest.mark.parametrize("make", [fresh_vae, lambda: build(Autoencoder())])
def test_the_layer_is_saved_with_its_generator(make, tmp_path):
    generator = make()
    latent = tuple(generator.encode(X).shape[1:])
    images, step = keras.Input(SHAPE), keras.Input(latent)
    moved = LatentPerturbation(generator, name="perturbed")([images, step])
    model = keras.Model([images, step], keras.layers.Dense(2)(keras.layers.Flatten()(moved)))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    r = RNG.normal(size=(6, *latent)).astype("float32")
    np.testing.assert_array_equal(loaded([X, r]), model([X, r]))
    layer = loaded.get_layer("perturbed")
    assert type(layer.generator) is type(generator)
    assert_equal(values(layer.generator.weights), values(generator.weights))
    assert not any("perturbed" in weight.path for weight in loaded.trainable_weights)
    assert len(loaded.trainable_weights) == 2


def test_a_trained_glow_with_its_parts_is_used_and_saved(tmp_path):
    keras.utils.set_random_seed(0)
    glow = Glow(SHAPE, num_levels=2, num_steps=2, width=4, seed=0)
    glow.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    glow.fit(X, epochs=3, verbose=0)
    steps = [keras.Input(shape) for shape in glow.latent_shapes]
    r = [RNG.normal(size=(6, *shape)).astype("float32") for shape in glow.latent_shapes]
    expected = glow.decode([z + part for z, part in zip(glow.encode(X), r, strict=True)])
    images = keras.Input(SHAPE)
    model = keras.Model([images, *steps], LatentPerturbation(glow)([images, steps]))
    assert model.trainable_weights == []
    np.testing.assert_allclose(model([X, *r]), expected, rtol=1e-4, atol=1e-4)
    nothing = [np.zeros_like(part) for part in r]
    np.testing.assert_allclose(model([X, *nothing]), X, atol=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded([X, *r]), model([X, *r]), rtol=1e-5, atol=1e-5)
    assert loaded.trainable_weights == []


def test_config_round_trip():
    layer = LatentPerturbation(fresh_vae(), name="mine")
    again = LatentPerturbation.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.name == "mine" and again.generator.frozen


class WithConfigOnly(Identity):
    def get_config(self):
        return {}


@pytest.mark.parametrize("generator", [WithConfigOnly(), Identity()])
def test_a_generator_must_be_made_again_from_its_config(generator):
    with pytest.raises(TypeError, match="`generator` can't.*no `from_config`"):
        LatentPerturbation(generator).get_config()


class InParts(keras.Model):
    """A generator whose halves are called, and never the model as a whole."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.half = keras.layers.Dense(2)

    def encode(self, x):
        return self.half(x)

    def decode(self, z):
        return z

    def call(self, x):
        return self.decode(self.encode(x))


def test_a_generator_that_was_never_built_is_not_saved_without_its_weights():
    generator, x = InParts(), keras.ops.ones((1, 2))
    generator.encode(x)
    layer = LatentPerturbation(generator)
    with pytest.raises(ValueError, match="`generator` can't.*lack weights.*InParts"):
        layer.get_config()
    generator(x)
    assert layer.get_config()["generator"]["class_name"] == "InParts"


class BuiltInParts(InParts):
    """The same, but that its constructor builds all weights."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.half.build((None, 2))


def test_a_generator_whose_constructor_builds_its_parts_comes_back_with_its_weights():
    layer = LatentPerturbation(BuiltInParts())
    again = LatentPerturbation.from_config(layer.get_config(), {"BuiltInParts": BuiltInParts})
    assert len(again.generator.weights) == len(layer.generator.weights) == 2


@pytest.mark.parametrize("generator", [Identity(), BijectorGenerator(Doubling())])
def test_a_generator_without_a_config_is_not_saved(generator, tmp_path):
    images = keras.Input(SHAPE)
    model = keras.Model(images, LatentPerturbation(generator)([images, images]))
    with pytest.raises(TypeError, match="`generator` can't.*`get_config`.*`model.save_weights"):
        model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
