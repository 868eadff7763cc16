"""`VATClassifier` inside of what scikit-learn has."""

import pickle

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import keras_vat
from keras_vat.wrappers import SemiSupervisedKFold, VATClassifier


def vat():
    return keras_vat.regularizers.VirtualAdversarialTraining(0.5)


@pytest.mark.parametrize("brought", [False, True])
def test_clone(brought, table, make, small):
    given = {"model": small((4,), 3), "regularizer": vat()} if brought else {}
    classifier = make(**given).fit(table.x, table.y)
    other = clone(classifier)
    assert not hasattr(other, "model_")
    np.testing.assert_array_equal(
        other.fit(table.x, table.y).predict_proba(table.x), classifier.predict_proba(table.x)
    )


def test_parameters(make):
    classifier = make()
    assert clone(classifier).get_params().keys() == classifier.get_params().keys()
    assert classifier.set_params(epsilon=3.0, updates=7).get_params()["epsilon"] == 3.0
    assert repr(VATClassifier(epsilon=2.0)) == "VATClassifier(epsilon=2.0)"


@pytest.mark.parametrize("brought", [False, True])
def test_pickle(brought, table, make, small, tmp_path):
    given = {"model": small, "regularizer": vat()} if brought else {}
    classifier = make(**given, updates=5).fit(table.x, table.y)
    expected = classifier.predict_proba(table.x)
    joblib.dump(classifier, tmp_path / "classifier.joblib")
    for read in (
        pickle.loads(pickle.dumps(classifier)),
        joblib.load(tmp_path / "classifier.joblib"),
    ):
        np.testing.assert_array_equal(read.predict_proba(table.x), expected)
        assert read.history_ == classifier.history_
        assert isinstance(read.model_, keras_vat.VATModel)
        again = read.fit(table.x, table.y).predict_proba(table.x)
        np.testing.assert_array_equal(again, expected)


@pytest.mark.slow
def test_two_processes(table, make):
    settings = {"cv": SemiSupervisedKFold(2, random_state=0), "scoring": "accuracy"}
    alone = cross_val_score(make(), table.x, table.y, **settings)
    np.testing.assert_array_equal(
        cross_val_score(make(), table.x, table.y, n_jobs=2, **settings), alone
    )


def test_pipelines_are_searched(table, make):
    x = table.x * [1.0, 1.0, 1.0, 1000.0]
    search = GridSearchCV(
        make_pipeline(StandardScaler(), make()),
        {"vatclassifier__epsilon": [0.1, 1.0]},
        cv=SemiSupervisedKFold(2, random_state=0),
    ).fit(x, table.y)
    assert search.score(x, table.true) > 0.9
    ax = keras_vat.plotting.plot_epsilon_search(search)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0.1, 1.0])


def test_weights_go_through_a_pipeline(table, make):
    pipeline = make_pipeline(StandardScaler(), make(updates=5))
    weights = np.where(table.y == 0, 2.5, 1.0)
    pipeline.fit(table.x, table.y, vatclassifier__sample_weight=weights)
    assert not np.array_equal(
        pipeline.predict_proba(table.x),
        clone(pipeline).fit(table.x, table.y).predict_proba(table.x),
    )


def test_calibration(table, make):
    classifier = make().fit(table.x, table.y)
    for calibrated in (
        CalibratedClassifierCV(FrozenEstimator(classifier)),
        CalibratedClassifierCV(make(updates=5), cv=2),
    ):
        calibrated.fit(table.x, table.true)
        assert calibrated.predict_proba(table.x).shape == (90, 3)
        assert calibrated.score(table.x, table.true) > 0.9


def test_permutation_importance_with_names(table, make):
    x = np.c_[table.x, np.zeros(90)]
    frame = pd.DataFrame(x, columns=list("abcde"))
    classifier = make().fit(frame, table.y)
    found = permutation_importance(classifier, frame, table.true, n_repeats=2, random_state=0)
    assert found.importances_mean[:3].min() > 0.1 > abs(found.importances_mean[4])


@pytest.mark.parametrize("name", ["sgd", keras.optimizers.Adam(0.02)])
def test_models_after_fit_go_on_as_keras_models(name, table, make):
    model = make(optimizer=name, updates=5).fit(table.x, table.y).model_
    known = table.y >= 0
    before = model.evaluate(table.x[known], table.y[known], verbose=0, return_dict=True)
    model.fit(table.x[known], table.y[known], epochs=20, verbose=0)
    after = model.evaluate(table.x[known], table.y[known], verbose=0, return_dict=True)
    assert after["loss"] < before["loss"]
