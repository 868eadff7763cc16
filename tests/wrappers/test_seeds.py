"""The same seed gives the same model, and global generators stay as they are."""

import random

import keras
import numpy as np
import pytest

import keras_vat
from keras_vat.wrappers.seeded_globals import seeded_globals


def vat():
    return keras_vat.regularizers.VirtualAdversarialTraining(1.0)


def trained(make, table, **parameters):
    """Probabilities of a new estimator, and its weights."""
    classifier = make(**parameters).fit(table.x, table.y)
    return classifier.predict_proba(table.x), classifier.model_.get_weights()


def drawn():
    """What the global generators would draw next."""
    return random.random(), np.random.uniform(), float(keras.random.uniform(()))


CASES = {
    "defaults": lambda small: {},
    "function": lambda small: {"model": small},
    "model": lambda small: {"model": small((4,), 3)},
    "object": lambda small: {"regularizer": vat()},
}


@pytest.mark.parametrize("case", CASES)
def test_the_seed_is_all_that_counts(case, table, make, small):
    results = []
    for global_seed in (1, 2):
        keras.utils.set_random_seed(global_seed)
        parameters = CASES[case](small)
        results.append(trained(make, table, **parameters))
    (first, weights), (second, again) = results
    np.testing.assert_array_equal(first, second)
    assert all(np.array_equal(*pair) for pair in zip(weights, again, strict=True))
    other, _ = trained(make, table, **parameters, random_state=1)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("case", CASES)
def test_global_generators_stay_as_they_are(case, table, make, small):
    parameters = CASES[case](small)
    keras.utils.set_random_seed(3)
    expected = drawn()
    for random_state in (0, None):
        classifier = make(**parameters, random_state=random_state, updates=2)
        keras.utils.set_random_seed(3)
        classifier.fit(table.x, table.y).predict(table.x)
        assert drawn() == expected


def test_a_second_fit_starts_anew(table, make):
    classifier = make().fit(table.x, table.y)
    first = classifier.predict_proba(table.x)
    classifier.fit(table.x[:, :3], table.y)  # rows of another shape between the two
    classifier.fit(table.x, table.y)
    np.testing.assert_array_equal(classifier.predict_proba(table.x), first)
    assert int(classifier.model_.optimizer.iterations) == 40


def test_no_seed_and_a_generator_give_other_models_each_time(table, make):
    for random_state in (None, np.random.RandomState(0)):
        classifier = make(random_state=random_state, updates=2)
        first, second = (classifier.fit(table.x, table.y).predict_proba(table.x) for _ in "12")
        assert not np.array_equal(first, second)


def test_seeded_globals_survive_an_error():
    keras.utils.set_random_seed(3)
    expected = drawn()
    keras.utils.set_random_seed(3)
    with pytest.raises(KeyError), seeded_globals(0):
        inside = drawn()
        raise KeyError
    assert drawn() == expected
    with seeded_globals(0):
        assert drawn() == inside
