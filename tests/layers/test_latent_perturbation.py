import keras
import numpy as np
import pytest
from keras import ops

from keras_vat.autodiff import gradient
from keras_vat.generators import VAE, BijectorGenerator, Glow
from keras_vat.layers import LatentPerturbation

SHAPE = (4, 4, 1)
RNG = np.random.default_rng(0)
X = RNG.uniform(size=(6, *SHAPE)).astype("float32")
Y = RNG.integers(0, 3, 6)


class Identity:
    def encode(self, x):
        return x

    def decode(self, z):
        return z


class Doubling:
    def forward(self, z):
        return 2.0 * z

    def inverse(self, x):
        return x / 2.0


class Linear:
    """z = E x in two parts of 5 and 3 numbers, x = D z."""

    encoder = RNG.normal(size=(16, 8)).astype("float32")
    decoder = RNG.normal(size=(8, 16)).astype("float32")

    def encode(self, x):
        z = keras.ops.reshape(x, (-1, 16)) @ self.encoder
        return [z[:, :5], z[:, 5:]]

    def decode(self, z):
        return keras.ops.reshape(keras.ops.concatenate(z, axis=1) @ self.decoder, (-1, *SHAPE))


class Careless:
    """Has state that moves in training mode, and says nothing about the mode."""

    def __init__(self):
        self.norm = keras.layers.BatchNormalization()
        self.dropout = keras.layers.Dropout(0.5)
        self.draws = keras.random.SeedGenerator(0)
        self.norm.build((None, *SHAPE))

    @property
    def state(self):
        return [*self.norm.variables, *self.dropout.variables, self.draws.state]

    def encode(self, x):
        return self.norm(x)

    def decode(self, z):
        return self.dropout(z) + 0.0 * keras.random.normal((1,), seed=self.draws)


@keras.saving.register_keras_serializable(package="tests")
class Autoencoder(keras.Model):
    """A user's own Keras generator, which knows no `freeze`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.into, self.out = keras.layers.Dense(2), keras.layers.Dense(1)
        self.norm = keras.layers.BatchNormalization()

    def build(self, input_shape):
        self.into.build((None, 4, 4, 1))
        self.norm.build((None, 4, 4, 2))
        self.out.build((None, 4, 4, 2))

    def encode(self, x):
        return self.norm(self.into(x))

    def decode(self, z):
        return self.out(z)


def fresh_vae():
    keras.utils.set_random_seed(0)
    vae = VAE(SHAPE, latent_dim=3, widths=(4, 6))
    for weight in vae.weights:  # anything but the start, averages included
        if weight.ndim:
            weight.assign(weight.value + RNG.uniform(0.05, 0.3, weight.shape))
    return vae


def values(variables):
    return [np.array(variable.value) for variable in variables]


def assert_equal(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


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
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
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


def build(model):
    keras.utils.set_random_seed(0)
    model.build((None, *SHAPE))
    model.built = True
    return model


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


@pytest.mark.parametrize("generator", [Identity(), BijectorGenerator(Doubling())])
def test_a_generator_without_a_config_is_not_saved(generator, tmp_path):
    images = keras.Input(SHAPE)
    model = keras.Model(images, LatentPerturbation(generator)([images, images]))
    with pytest.raises(TypeError, match="`generator` can't.*`get_config`.*`model.save_weights"):
        model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")


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
