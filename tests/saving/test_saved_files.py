"""Files of a run: damaged ones, those of other versions, those with code in them."""

import json
import os
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from keras_vat import VATModel, __version__, generators, regularizers
from keras_vat.saving import whole_files


def vat_model(classifier=None, **arguments):
    keras.utils.set_random_seed(0)
    if classifier is None:
        classifier = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    vat = regularizers.VirtualAdversarialTraining(epsilon=1.0, **arguments)
    model = VATModel(classifier, [vat, regularizers.EntropyMinimization()])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def rewrite(source, target, change):
    """A copy of a `.keras` file with another config."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config["config"])
                content = json.dumps(config).encode()
            after.writestr(name, content)


def rename(settings, old, new):
    settings[new] = settings.pop(old)


@pytest.mark.parametrize(
    "change, received",
    [
        (lambda c: c.update(temperature=2.0), "temperature"),
        (lambda c: c.pop("batch_statistics"), r"missing \['batch_statistics'\]"),
        (lambda c: c.pop("classifier_dtype"), r"missing \['classifier_dtype'\]"),
        (lambda c: rename(c, "output", "kind"), "kind"),
        (lambda c: c["regularizers"][0]["config"].update(steps=2), "steps"),
        (lambda c: c["regularizers"][0]["config"].pop("curvature"), r"missing \['curvature'\]"),
        (lambda c: c["regularizers"][1]["config"].pop("weight"), r"missing \['weight'\]"),
    ],
)
def test_settings_of_another_version_are_never_misread(tmp_path, change, received):
    vat_model().save(tmp_path / "now.keras")

    def of_another_version(config):
        assert config["keras_vat_version"] == __version__
        config["keras_vat_version"] = "7.0.0"
        change(config)

    rewrite(tmp_path / "now.keras", tmp_path / "other.keras", of_another_version)
    with pytest.raises(ValueError, match=f"(?s)written by version 7.0.0.*Received: .*{received}"):
        keras.saving.load_model(tmp_path / "other.keras")


@pytest.mark.parametrize("version", ["0.0.1", None])
def test_files_of_another_version_with_the_same_settings_are_read(tmp_path, rows, version):
    model = vat_model()
    model.save(tmp_path / "now.keras")

    def change(config):
        del config["keras_vat_version"]
        if version is not None:
            config["keras_vat_version"] = version

    rewrite(tmp_path / "now.keras", tmp_path / "other.keras", change)
    loaded = keras.saving.load_model(tmp_path / "other.keras")
    np.testing.assert_array_equal(loaded.predict(rows.x, verbose=0), model(rows.x))


def test_numbers_never_go_to_other_regularizers(tmp_path):
    def build(*epsilons):
        methods = [regularizers.get("vat", epsilon=e, name=f"vat_{e}") for e in epsilons]
        return VATModel(keras.Sequential([keras.Input((4,)), layers.Dense(3)]), methods)

    build(1, 2).save_weights(tmp_path / "run.weights.h5")
    same, swapped, none = build(1, 2), build(2, 1), build()
    same.load_weights(tmp_path / "run.weights.h5")
    before = swapped.get_weights()
    with pytest.raises(ValueError, match=r"\['vat_1', 'vat_2'\] in the file, \['vat_2', 'vat_1'\]"):
        swapped.load_weights(tmp_path / "run.weights.h5")
    for weight, value in zip(swapped.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    none.load_weights(tmp_path / "run.weights.h5")  # the classifier's alone
    for weight, other in zip(
        none.classifier.get_weights(), same.classifier.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, other)


def test_weights_want_a_built_classifier(tmp_path, rows):
    model = vat_model()
    model.save_weights(tmp_path / "run.weights.h5")
    fresh = VATModel(keras.Sequential([layers.Dense(3)]), name="fresh")
    for _ in range(2):
        with pytest.raises(ValueError, match="call 'fresh' on a batch first. Received: the class"):
            fresh.load_weights(tmp_path / "run.weights.h5")
        fresh.built = True  # as Keras's `build` leaves it


def test_generators_of_another_version_are_never_misread(tmp_path):
    generators.VAE((4, 4, 1), 2, widths=(2,)).save(tmp_path / "vae.keras")
    for name in ("likelihood", "frozen", "dtype"):
        rewrite(tmp_path / "vae.keras", tmp_path / "other.keras", lambda c, n=name: c.pop(n))
        with pytest.raises(ValueError, match=rf"settings of VAE.*missing \['{name}'\]"):
            keras.saving.load_model(tmp_path / "other.keras")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("name", ["run.keras", "run.weights.h5"])
def test_a_damaged_file_is_refused_and_the_one_before_goes_on(tmp_path, rows, name, share):
    model = vat_model()
    expected = []
    for step in (1, 2):
        model.train_on_batch(rows.x, rows.y)
        path = tmp_path / f"{step}-{name}"
        (model.save if name.endswith(".keras") else model.save_weights)(path)
    damaged = tmp_path / f"2-{name}"
    damaged.write_bytes(damaged.read_bytes()[: int(share * damaged.stat().st_size)])
    expected = model.train_on_batch(rows.x, rows.y)  # the third step

    def read(step, into):
        if name.endswith(".keras"):
            return keras.saving.load_model(tmp_path / f"{step}-{name}")
        into.load_weights(tmp_path / f"{step}-{name}")
        return into

    other = vat_model()
    other.train_on_batch(rows.x, rows.y)
    before = [np.array(weight) for weight in other.get_weights()]
    with pytest.raises((OSError, ValueError, zipfile.BadZipFile)):
        read(2, other)
    for now, then in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    other = read(1, other)
    other.train_on_batch(rows.x, rows.y)
    assert other.train_on_batch(rows.x, rows.y) == expected


@pytest.mark.parametrize("name", ["run.keras", "run.weights.h5"])
@pytest.mark.parametrize("make", [vat_model, lambda: generators.VAE((4, 4, 1), 2, widths=(2,))])
def test_a_save_that_is_stopped_leaves_the_file_before(tmp_path, monkeypatch, name, make):
    model = make()
    save = model.save if name.endswith(".keras") else model.save_weights
    save(tmp_path / name)
    before = (tmp_path / name).read_bytes()

    def stopped(partial, *arguments, **settings):
        with open(partial, "wb") as file:
            file.write(b"the first half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        method = "save" if name.endswith(".keras") else "save_weights"
        patch.setattr(
            keras.Model, method, lambda self, *given, **settings: stopped(*given, **settings)
        )
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path / name)
    assert (tmp_path / name).read_bytes() == before
    save(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


def test_what_keras_refuses_or_asks_about_goes_to_keras(tmp_path, monkeypatch):
    model = vat_model()
    with pytest.raises(OSError, match="missing/run.keras"):
        model.save(tmp_path / "missing" / "run.keras")
    with pytest.raises(ValueError, match="extension"):
        model.save(tmp_path / "run.zip")
    model.save(tmp_path / "run.keras")
    monkeypatch.setattr("builtins.input", lambda question: "n")
    before = (tmp_path / "run.keras").stat().st_mtime_ns
    model.save(tmp_path / "run.keras", overwrite=False)
    assert (tmp_path / "run.keras").stat().st_mtime_ns == before
    with whole_files.whole_file("gs://bucket/run.keras", overwrite=True) as path:
        assert path == "gs://bucket/run.keras"


def test_no_code_of_a_file_is_run(tmp_path):
    """Keras's safe mode reaches the classifier and the regularizers."""
    doubled = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: 2 * x), layers.Dense(3)])
    vat_model(doubled).save(tmp_path / "layer.keras")
    with pytest.warns(UserWarning, match="lambda"):
        vat_model(divergence=lambda a, b: keras.ops.sum((a - b) ** 2, -1)).save(
            tmp_path / "divergence.keras"
        )
    for name in ("layer", "divergence"):
        with pytest.raises(ValueError, match="(?i)lambda"):
            keras.saving.load_model(tmp_path / f"{name}.keras")
        with pytest.raises(ValueError, match="(?i)lambda"):
            keras.saving.load_model(tmp_path / f"{name}.keras", safe_mode=True)
    loaded = keras.saving.load_model(tmp_path / "layer.keras", safe_mode=False)
    assert loaded(np.ones((1, 4), "float32")).shape == (1, 3)


def test_our_own_classes_are_written_without_code(tmp_path):
    """Configs are JSON and weights HDF5: no pickle, no marshalled function."""
    vat_model().save(tmp_path / "run.keras")
    with zipfile.ZipFile(tmp_path / "run.keras") as archive:
        assert set(archive.namelist()) == {"metadata.json", "config.json", "model.weights.h5"}
        config = archive.read("config.json").decode()
        assert archive.read("model.weights.h5")[:4] == b"\x89HDF"
    assert "__lambda__" not in config and "pickle" not in config
