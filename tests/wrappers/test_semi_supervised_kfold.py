"""Folds of labelled rows, beside unlabelled ones that are always trained on."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from keras_vat.wrappers import SemiSupervisedKFold

Y = np.array([0, 1, -1, 0, 1, -1, 0, 1, -1, -1, 0, 1])


@pytest.mark.parametrize("names", [False, True])
def test_labelled_rows_are_split_and_the_others_train(names):
    y = np.where(Y < 0, "-1", np.array(["ash", "elm"])[Y]) if names else Y
    seen = []
    for train, test in SemiSupervisedKFold(4, random_state=0).split(y, y):
        assert np.all(Y[test] >= 0) and np.bincount(Y[test]).tolist() == [1, 1]
        assert sorted([*train, *test]) == list(range(12))
        assert np.all(np.diff(train) > 0)
        seen += test.tolist()
    assert sorted(seen) == np.flatnonzero(Y >= 0).tolist()


def folds(**settings):
    return [test.tolist() for _, test in SemiSupervisedKFold(2, **settings).split(Y, Y)]


def test_shuffles():
    assert folds(random_state=0) == folds(random_state=0) != folds(random_state=3)
    assert folds(shuffle=False) == [[0, 1, 3, 4], [6, 7, 10, 11]]
    assert SemiSupervisedKFold().get_n_splits() == 5
    assert repr(SemiSupervisedKFold(3)) == (
        "SemiSupervisedKFold(n_splits=3, random_state=None, shuffle=True)"
    )


def test_is_a_cv_of_scikit_learn():
    scores = cross_val_score(
        DummyClassifier(strategy="constant", constant=1),
        np.zeros((12, 1)),
        Y,
        cv=SemiSupervisedKFold(4),
    )
    np.testing.assert_allclose(scores, 0.5)


def test_too_few_labels():
    with pytest.raises(ValueError, match="number of splits|n_splits"):
        next(SemiSupervisedKFold(5).split(Y, Y))
