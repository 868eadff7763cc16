"""A version is written whole or not at all, and never over another by accident."""

import pathlib

import pytest
import tensorflow as tf

import keras_vat
from keras_vat.serving import served_version


def names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


def bias(folder):
    loaded = tf.saved_model.load(str(folder))
    return loaded.signatures["serving_default"](inputs=tf.zeros((1, 4)))["logits"].numpy()[0, 0]


@pytest.fixture
def classifiers(make_classifier):
    """Two that differ in the first logit of a zero input: 0 and 1."""
    first, second = make_classifier(), make_classifier()
    second.layers[-1].bias.assign([1.0, 0.0, 0.0])
    return first, second


def test_versions_stand_side_by_side(tmp_path, classifiers):
    for version, classifier in enumerate(classifiers, start=1):
        folder = keras_vat.export_for_serving(classifier, str(tmp_path), version=version)
        assert folder == str(tmp_path / str(version))
    assert names(tmp_path) == ["1", "2"]
    assert (bias(tmp_path / "1"), bias(tmp_path / "2")) == (0.0, 1.0)


def test_an_existing_version_is_replaced_only_if_asked(tmp_path, classifiers):
    first, second = classifiers
    keras_vat.export_for_serving(first, tmp_path)
    with pytest.raises(FileExistsError, match="`version` exists.*Received: version=1"):
        keras_vat.export_for_serving(second, tmp_path)
    assert bias(tmp_path / "1") == 0.0
    keras_vat.export_for_serving(second, tmp_path, overwrite=True)
    assert bias(tmp_path / "1") == 1.0
    assert names(tmp_path) == ["1"]


@pytest.mark.parametrize("failing", ["write_warmup_requests", "_publish"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failed_export_leaves_what_was_there(tmp_path, classifiers, monkeypatch, failing, error):
    first, second = classifiers
    keras_vat.export_for_serving(first, tmp_path)

    def fail(*args):
        raise error("no space left on device")

    monkeypatch.setattr(served_version, failing, fail)
    for version in (1, 2):
        with pytest.raises(error):
            keras_vat.export_for_serving(second, tmp_path, version=version, overwrite=True)
    assert names(tmp_path) == ["1"]
    assert bias(tmp_path / "1") == 0.0


def test_a_failed_rename_puts_the_old_version_back(tmp_path, classifiers, monkeypatch):
    first, second = classifiers
    keras_vat.export_for_serving(first, tmp_path)
    rename = tf.io.gfile.rename

    def fail_once(source, target):
        if target == str(tmp_path / "1") and not source.endswith("-replaced"):
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(tf.io.gfile, "rename", fail_once)
    with pytest.raises(OSError, match="no"):
        keras_vat.export_for_serving(second, tmp_path, overwrite=True)
    assert names(tmp_path) == ["1"]
    assert bias(tmp_path / "1") == 0.0
