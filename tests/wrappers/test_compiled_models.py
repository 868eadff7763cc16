"""Fits of one shape share what is compiled, and nothing else."""

import contextlib
import threading

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import keras_vat
from keras_vat.wrappers import SemiSupervisedKFold, compiled_models
from keras_vat.wrappers.architecture_key import key_of_model
from keras_vat.wrappers.predictor import Predictor


@pytest.fixture
def counts(monkeypatch):
    """How often a step has been traced and a predictor been made."""
    counts = {"steps": 0, "predictors": 0}
    step, init = keras_vat.VATModel.train_step, Predictor.__init__

    def counted_step(self, *args):
        counts["steps"] += 1
        return step(self, *args)

    def counted_init(self, *args):
        counts["predictors"] += 1
        init(self, *args)

    monkeypatch.setattr(keras_vat.VATModel, "train_step", counted_step)
    monkeypatch.setattr(Predictor, "__init__", counted_init)
    monkeypatch.setattr(compiled_models, "_idle", [])
    monkeypatch.setattr(compiled_models, "_predictors", [])
    return counts


@pytest.fixture
def unshared(monkeypatch):
    """Lets every fit train a new model."""

    def switch():
        monkeypatch.setattr(
            compiled_models, "trainable", lambda model: contextlib.nullcontext(model)
        )

    return switch


def probabilities(classifier, table):
    return classifier.fit(table.x, table.y).predict_proba(table.x)


def test_a_search_traces_one_step(table, make, counts):
    # Twelve labels in three folds: eight each, so that all batches have one shape.
    search = GridSearchCV(
        make(updates=10, random_state=0),
        {"epsilon": [0.1, 0.3, 1.0, 3.0, 10.0]},
        cv=SemiSupervisedKFold(3, random_state=0),
        refit=False,
    ).fit(table.x, table.y)
    assert len(search.cv_results_["mean_test_score"]) == 5
    assert counts == {"steps": 1, "predictors": 1}


def test_numbers_need_no_tracing(table, make, counts):
    adam = keras.optimizers.Adam
    for parameters in (
        {"epsilon": 0.5},
        {"weight": 0.1},
        {"optimizer": adam(0.1)},
        {"random_state": 5},
    ):
        make(**{"updates": 10, **parameters}).fit(table.x, table.y)
    assert counts["steps"] == 1
    make(updates=10, regularizer="rpt").fit(table.x, table.y)
    make(updates=10, optimizer="sgd").fit(table.x, table.y)
    assert counts["steps"] == 3


@pytest.mark.parametrize(
    "parameters",
    [
        {"epsilon": 2.0, "weight": 0.5},
        {"optimizer": keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 40))},
    ],
    ids=["numbers", "schedule"],
)
def test_results_are_those_of_a_new_model(parameters, table, make, unshared):
    make(**parameters, random_state=7).fit(table.x, table.y)  # leaves something behind
    shared = probabilities(make(**parameters), table)
    unshared()
    np.testing.assert_array_equal(probabilities(make(**parameters), table), shared)


def activated(activation):
    def make_model(input_shape, num_classes):
        layers = [keras.layers.Dense(8, activation), keras.layers.BatchNormalization()]
        return keras.Sequential(
            [keras.Input(input_shape), *layers, keras.layers.Dense(num_classes)]
        )

    return make_model


def test_models_of_equal_shapes_are_told_apart(table, make, unshared):
    shared = [probabilities(make(activated(name)), table) for name in ("relu", "tanh", "relu")]
    np.testing.assert_array_equal(shared[0], shared[2])
    unshared()
    for name, expected in zip(("relu", "tanh"), shared, strict=False):
        np.testing.assert_array_equal(probabilities(make(activated(name)), table), expected)


def test_estimators_share_no_state(table, make):
    first = make().fit(table.x, table.y)
    before = [np.array(one) for one in (*first.model_.get_weights(), *first.history_["loss"])]
    second = make(random_state=1, epsilon=3.0).fit(table.x, table.y)
    after = [np.array(one) for one in (*first.model_.get_weights(), *first.history_["loss"])]
    assert all(map(np.array_equal, before, after))
    assert second.model_ is not first.model_
    assert float(first.model_.regularizers[0].epsilon) == 1.0
    # A model that goes on training leaves the other's predictions alone.
    expected = second.predict_proba(table.x)
    known = table.y >= 0
    first.model_.fit(table.x[known], table.y[known], verbose=0)
    np.testing.assert_array_equal(second.predict_proba(table.x), expected)


def test_threads_fit_at_once(table, make):
    expected = [probabilities(make(random_state=seed), table) for seed in range(2)]
    found = [None] * 2

    def fit(seed):
        found[seed] = probabilities(make(random_state=seed), table)

    threads = [threading.Thread(target=fit, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_few_are_kept(table, make, counts, monkeypatch):
    monkeypatch.setattr(compiled_models, "MOST_MODELS", 1)
    for columns in (4, 3, 4):
        make(updates=2).fit(table.x[:, :columns], table.y).predict(table.x[:, :columns])
        assert len(compiled_models._idle) == len(compiled_models._predictors) == 1
    assert counts == {"steps": 3, "predictors": 3}


def test_a_fit_that_fails_leaves_nothing_behind(table, make):
    expected = probabilities(make(), table)
    with pytest.raises(FloatingPointError):
        make(optimizer=keras.optimizers.Adam(1e38)).fit(table.x, table.y)
    np.testing.assert_array_equal(probabilities(make(), table), expected)


class Plain(keras.layers.Dense):
    pass


@keras.saving.register_keras_serializable()
class Registered(keras.layers.Dense):
    pass


@keras_vat.regularizers.register("own")
class Own(keras_vat.regularizers.EntropyMinimization):
    pass


def model_of(first=None, regularizer="vat", dtype="float32", activation=None):
    """A compiled `VATModel`."""
    first = keras.layers.Flatten() if first is None else first
    settings = {} if regularizer in ("own", "lvat") else {"epsilon": 1.0}
    if regularizer == "lvat":
        settings = {"epsilon": 1.0, "generator": keras_vat.generators.VAE((4, 4, 1), latent_dim=2)}
    layers = [keras.Input((4, 4, 1), dtype=dtype), first, keras.layers.Flatten()]
    classifier = keras.Sequential([*layers, keras.layers.Dense(3, activation)])
    model = keras_vat.VATModel(classifier, keras_vat.regularizers.get(regularizer, **settings))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize(
    ("different", "shared"),
    [
        ({}, True),
        ({"activation": "relu"}, True),
        ({"first": keras.layers.IntegerLookup(vocabulary=[1, 2]), "dtype": "int32"}, False),
        ({"first": Plain(4)}, False),
        ({"first": Registered(4)}, False),
        ({"activation": lambda x: x}, False),
        ({"regularizer": "own"}, False),
        ({"regularizer": "lvat"}, False),
    ],
    ids=lambda value: next(iter(value), "plain") if isinstance(value, dict) else "",
)
def test_what_a_config_does_not_tell_whole_is_not_shared(different, shared):
    assert (key_of_model(model_of(**different)) is not None) == shared


def test_predicts_any_number_of_rows_in_few_shapes(table, make, monkeypatch):
    classifier = make(updates=2).fit(table.x, table.y)
    shapes = set()
    run = classifier._predictor._run

    def watched(numbers, x):
        shapes.add(tuple(x.shape))
        return run(numbers, x)

    monkeypatch.setattr(classifier._predictor, "_run", watched)
    x = np.tile(table.x, (30, 1))
    expected = clone(classifier).fit(table.x, table.y).predict_proba(x)
    for rows in (1, 2, 31, 90, 1024, 1025, 2700):
        np.testing.assert_allclose(classifier.predict_proba(x[:rows]), expected[:rows], atol=1e-6)
    assert shapes == {(32, 4), (128, 4), (1024, 4)}
