import itertools

import numpy as np
import pytest

from benchmarks.accuracy import data
from keras_vat.classifiers.training_settings import TrainingSettings

SETTINGS = {
    "labeled_batch_size": 8,
    "num_updates": 10,
    "learning_rate": 0.01,
    "decay_start": 5,
    "epsilon": 1.0,
}
FEW = TrainingSettings(**SETTINGS, unlabeled_batch_size=16, num_labels=20)
ALL = TrainingSettings(**SETTINGS, unlabeled_batch_size=None)


def as_set(x):
    return {row.tobytes() for row in np.asarray(x)}


def test_validation_rows_come_from_the_training_set_and_train_nothing():
    (x, _), test = data.load("digits", 0)
    rows = data.split("digits", FEW, 0, validation_rows=100)
    assert len(rows.validation[0]) == 100 and len(rows.unlabeled) == len(x) - 100
    assert as_set(rows.validation[0]) <= as_set(x)
    assert not as_set(rows.validation[0]) & as_set(rows.unlabeled)
    assert as_set(rows.labeled[0]) <= as_set(rows.unlabeled)
    assert np.bincount(rows.labeled[1]).tolist() == [2] * 10
    assert rows.test is test


def test_all_rows_have_labels_where_the_settings_say_so():
    rows = data.split("digits", ALL, 0, validation_rows=0)
    assert len(rows.labeled[0]) == len(rows.unlabeled) == 1297
    assert len(rows.validation[0]) == 0


def test_seeds_draw_other_rows():
    first, second = (data.split("digits", FEW, seed, 100) for seed in (0, 1))
    assert as_set(first.validation[0]) != as_set(second.validation[0])
    again = data.split("digits", FEW, 0, 100)
    np.testing.assert_array_equal(first.labeled[0], again.labeled[0])


def test_sine_waves_are_new_for_each_seed():
    (x, y), (x_test, y_test) = data.load("sine_waves", 3)
    assert (x.shape, x_test.shape) == ((1000, 100, 1), (9000, 100, 1))
    assert np.any(x != data.load("sine_waves", 4)[0][0])


def test_whitening_is_fitted_on_the_training_images(monkeypatch):
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(6, 6))
    images = rng.normal(size=(500, 6)) @ mixed
    train, test = (images[:400].astype("float32"), None), (images[400:].astype("float32"), None)
    monkeypatch.setattr(data, "images", lambda dataset: (train, test))
    monkeypatch.setattr(data, "CHUNK", 150)
    (white, _), (white_test, _) = data.whitened.__wrapped__("any")
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(6), atol=1e-3)
    np.testing.assert_allclose(white.mean(0), 0.0, atol=1e-4)
    assert white_test.shape == (100, 6)


@pytest.mark.parametrize("settings", [FEW, ALL])
def test_batches_have_the_settings_sizes(settings):
    rows = data.split("digits", settings, 0, 100)
    for x, y in itertools.islice(data.batches(rows, settings, 0), 200):
        if settings is FEW:
            assert x.labeled.shape[0] == 8 and x.unlabeled.shape[0] == 16
        else:
            assert x.shape[0] == 8
        assert y.shape == (8,)


@pytest.mark.parametrize("unlabeled_batch_size", [None, 16])
def test_batches_are_augmented(unlabeled_batch_size):
    settings = TrainingSettings(
        **SETTINGS, unlabeled_batch_size=unlabeled_batch_size, augmentation="mnist"
    )
    x = np.ones((20, 6, 6, 1), "float32")
    rows = data.Rows((x, np.zeros(20, "int32")), x, None, None)
    (inputs, _) = next(iter(data.batches(rows, settings, 0)))
    for part in inputs if unlabeled_batch_size else (inputs,):
        assert len({float(np.sum(image)) for image in part}) > 1  # zeros were moved in
