"""Latent-space training: the frozen generator, saving, semi-supervised steps."""

import keras
import numpy as np
import pytest
from golden.quick import QUICK, TRACED

import keras_vat
from keras_vat.regularizers import (
    LatentVirtualAdversarialTraining,
    VirtualAdversarialTraining,
)


def images(rows=16, seed=0):
    return np.random.default_rng(seed).uniform(size=(rows, 8, 8, 1)).astype("float32")


@pytest.fixture(scope="module")
def generators():
    """A trained VAE and a trained flow, frozen: tests share them, since nothing may move them."""
    keras.utils.set_random_seed(1)
    vae = keras_vat.generators.VAE((8, 8, 1), latent_dim=3, widths=(4, 6, 8))
    glow = keras_vat.generators.Glow((8, 8, 1), num_levels=2, num_steps=2, width=4)
    for generator in (vae, glow):
        generator.compile(keras.optimizers.Adam(0.01), **QUICK)
        generator.fit(images(64), batch_size=32, verbose=0)
    return {"vae": vae.freeze(), "glow": glow.freeze()}


@pytest.fixture(params=["vae", "glow"])
def generator(generators, request):
    return generators[request.param]


class Identity:
    def encode(self, x):
        return x

    def decode(self, z):
        return z


def untrained(generator):
    return type(generator).from_config({**generator.get_config(), "name": "untrained"})


def test_a_generator_that_was_neither_trained_nor_loaded_is_warned_of_once(generator, tmp_path):
    trained = generator
    new, loaded = untrained(trained), untrained(trained)
    loaded.set_weights(trained.get_weights())
    assert trained.trained and loaded.trained and not new.trained
    lvat = LatentVirtualAdversarialTraining(new, 0.5)
    with pytest.warns(UserWarning, match="`generator` should be trained.*Received: .*'untrained'"):
        lvat.check_inputs(images())
    lvat.check_inputs(images())
    # Warnings are errors: none of these has one.
    for generator in (trained, loaded):
        lvat = LatentVirtualAdversarialTraining(generator, 0.5)
        lvat.check_inputs(images())
    keras_vat.VATModel(net(), lvat).save(tmp_path / "m.keras")
    keras.saving.load_model(tmp_path / "m.keras").regularizers[0].check_inputs(images())


def test_fit_warns_of_an_untrained_generator():
    vae = keras_vat.generators.VAE((8, 8, 1), latent_dim=3, widths=(4,))
    model = compiled(net(), LatentVirtualAdversarialTraining(vae, 0.5))
    with pytest.warns(UserWarning, match="`generator` should be trained"):
        model.fit(images(), np.zeros(16, "int32"), verbose=0)


def net(preprocessing=()):
    keras.utils.set_random_seed(2)
    layers = [
        *preprocessing,
        keras.layers.Conv2D(4, 3, use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(3),
    ]
    return keras.Sequential([keras.Input((8, 8, 1)), *layers])


def compiled(classifier, regularizer, **settings):
    model = keras_vat.VATModel(classifier, regularizer)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, **(settings or QUICK))
    return model


@pytest.mark.parametrize("reference", ["input", "reconstruction"])
def test_with_the_identity_it_is_virtual_adversarial_training(reference):
    x, y = images(), np.arange(16) % 3
    runs = []
    for regularizer in (
        LatentVirtualAdversarialTraining(Identity(), 0.5, reference=reference, name="r", seed=3),
        VirtualAdversarialTraining(0.5, name="r", seed=3),
    ):
        model = compiled(net(), regularizer, **TRACED)
        history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history
        runs.append((history["r"], model.get_weights()))
    np.testing.assert_allclose(runs[0][0], runs[1][0], rtol=2e-3)
    for weights in zip(runs[0][1], runs[1][1], strict=False):
        np.testing.assert_allclose(*weights, atol=2e-3)


def test_nothing_in_the_generator_moves_or_is_trained(generator):
    model = compiled(net(), LatentVirtualAdversarialTraining(generator, 0.5))
    before = [np.array(variable) for variable in generator.variables]
    model.trainable = True
    ids = {id(variable) for variable in generator.variables}
    assert not ids & {id(variable) for variable in model.trainable_variables}
    assert len(model.trainable_variables) == len(model.classifier.trainable_variables)
    inputs = keras_vat.SemiSupervisedInputs(images(8), images(16, seed=1))
    logs = model.train_on_batch(inputs, np.arange(8) % 3, return_dict=True)
    assert set(logs) == {"loss", "supervised_loss", "lvat"} and logs["lvat"] > 0
    for old, variable in zip(before, generator.variables, strict=True):
        np.testing.assert_array_equal(old, variable)


def test_nothing_of_the_generator_is_exported(generator, tmp_path, tf):
    model = compiled(net(), LatentVirtualAdversarialTraining(generator, 0.5))
    model.train_on_batch(images(8), np.arange(8) % 3)
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    num_exported = sum(int(np.prod(v.shape)) for v in exported.variables)
    assert num_exported <= model.classifier.count_params() + 8


def test_the_generator_is_saved_with_the_model(generator, tmp_path):
    x, y = images(), np.arange(16) % 3
    model = compiled(net(), LatentVirtualAdversarialTraining(generator, 0.5, seed=3))
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    z, again = (m.regularizers[0].generator.encode(x) for m in (model, loaded))
    for part, same in zip(keras.tree.flatten(z), keras.tree.flatten(again), strict=True):
        np.testing.assert_allclose(part, same, atol=1e-6)
    logs = [m.train_on_batch(x, y, return_dict=True) for m in (model, loaded)]
    assert logs[0]["lvat"] == pytest.approx(logs[1]["lvat"], rel=1e-5)


def test_a_preprocessing_layer_between_decoder_and_classifier(generators):
    """Whitening inside the classifier: the generator sees images, the net what it wants."""
    whitening = keras.layers.Rescaling(4.0, offset=-2.0)
    classifier, plain = net([whitening]), net()
    vae, x = generators["vae"], images()
    penalty = LatentVirtualAdversarialTraining(vae, 0.5, seed=3).penalty(classifier, x)
    r = LatentVirtualAdversarialTraining(vae, 0.5, seed=3).perturbation(classifier, x)
    decoded = vae.decode(vae.encode(x) + r)
    kl = keras_vat.divergences.Categorical().kl
    expected = float(np.mean(kl(plain(4 * x - 2), plain(4 * decoded - 2))))
    assert float(penalty) == pytest.approx(expected, rel=1e-4)


def test_a_generator_without_a_config_is_refused_where_the_model_is_saved(tmp_path):
    class Identity:
        def encode(self, x):
            return x

        decode = encode

    model = compiled(net(), LatentVirtualAdversarialTraining(Identity(), 0.5))
    message = r"`generator` can't be saved.*model.classifier.save\(.*Received: generator="
    with pytest.raises(TypeError, match=message):
        model.save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())
    model.save_weights(tmp_path / "m.weights.h5")
    model.classifier.save(tmp_path / "c.keras")


def test_images_outside_the_generators_range_are_refused_before_training(generators):
    model = compiled(net(), LatentVirtualAdversarialTraining(generators["vae"], 0.5))
    x, y = images(), np.arange(16) % 3
    batches = keras_vat.data.semi_supervised((3 * x, y), 3 * x, 4, 8)
    for arguments in ((3 * x, y), (batches,)):
        with pytest.raises(ValueError, match=r"must be images in \[0, 1\].* Received: .* to [23]"):
            model.fit(*arguments, verbose=0)
    with pytest.raises(ValueError, match=r"must be images in \[0, 1\]"):
        model.train_on_batch(keras_vat.SemiSupervisedInputs(x, 3 * x), y)


def test_random_latent_directions(generators):
    vae, classifier, x = generators["vae"], net(), images()
    random = LatentVirtualAdversarialTraining(vae, 0.5, num_power_iterations=0, seed=3)
    r = LatentVirtualAdversarialTraining(vae, 0.5, num_power_iterations=0, seed=3).perturbation(
        classifier, x
    )
    np.testing.assert_allclose(np.linalg.norm(r, axis=1), 0.5, rtol=1e-5)
    moved = classifier(vae.decode(vae.encode(x) + r))
    kl = keras_vat.divergences.Categorical().kl
    expected = float(np.mean(kl(classifier(x), moved)))
    assert float(random.penalty(classifier, x)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_mixed_precision_and_xla(generators):
    """Near the penalty of single precision; the step compiles whole."""
    x, y = images(), np.arange(16) % 3
    glow, logs = generators["glow"], {}
    for policy, settings in (("float32", QUICK), ("mixed_bfloat16", {"jit_compile": True})):
        keras.config.set_dtype_policy(policy)
        try:
            lvat = LatentVirtualAdversarialTraining(glow, 0.5, num_power_iterations=0, seed=3)
            model = compiled(net(), lvat, **settings)
        finally:
            keras.config.set_dtype_policy("float32")
        logs[policy] = model.train_on_batch(x, y, return_dict=True)
    assert logs["float32"]["lvat"] > 0
    assert logs["mixed_bfloat16"]["lvat"] == pytest.approx(logs["float32"]["lvat"], rel=0.1)
