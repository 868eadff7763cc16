"""How rows become batches: sizes, weights, order."""

import numpy as np
import pytest

from keras_vat.wrappers.training_rows import training_batches

X = np.arange(24, dtype="float32").reshape(12, 2)
Y = np.array([0, 1, 0, 1, -1, -1, -1, -1, -1, -1, -1, -1])


def batches(x=X, y=Y, sample_weight=None, class_weight=None, sizes=(3, 5), seed=0, count=8):
    found = training_batches(x, y, sample_weight, class_weight, sizes, seed)
    return [found[number] for number in range(count)]


def rows_of(found):
    """The numbers of the rows in the labelled and the unlabelled halves."""
    return [
        np.concatenate([half[:, 0] / 2 for half in halves]) for halves in zip(*found, strict=True)
    ]


@pytest.mark.parametrize(("sizes", "expected"), [((3, 5), (3, 5)), ((32, 128), (4, 12))])
def test_batches_are_as_large_as_the_rows_allow(sizes, expected):
    for inputs, y in batches(sizes=sizes):
        assert (len(inputs.labeled), len(inputs.unlabeled)) == expected
        assert len(y) == expected[0]


def test_penalties_see_all_rows_and_labels_belong_to_their_rows():
    found = batches(sizes=(4, 12), count=1)
    inputs, y = found[0]
    assert sorted(inputs.unlabeled[:, 0] / 2) == list(range(12))
    np.testing.assert_array_equal(y, Y[(inputs.labeled[:, 0] / 2).astype(int)])


def test_every_row_comes_once_a_round():
    labeled, unlabeled = rows_of([inputs for inputs, _ in batches(sizes=(2, 4), count=6)])
    np.testing.assert_array_equal(np.bincount(labeled.astype(int)), [3, 3, 3, 3])
    np.testing.assert_array_equal(np.bincount(unlabeled.astype(int)), np.full(12, 2))


def test_the_order_of_the_rows_is_no_matter():
    order = np.random.default_rng(0).permutation(12)
    for (inputs, y), (others, other_y) in zip(batches(), batches(X[order], Y[order]), strict=True):
        np.testing.assert_array_equal(inputs.labeled, others.labeled)
        np.testing.assert_array_equal(inputs.unlabeled, others.unlabeled)
        np.testing.assert_array_equal(y, other_y)


def test_seeds():
    first, same, other = (batches(seed=seed)[0][0].unlabeled for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_whole_weights_repeat_rows():
    weights = np.array([2, 1, 0, 1, 3, 1, 1, 1, 1, 1, 1, 0], "float64")
    repeated = batches(X.repeat(weights.astype(int), axis=0), Y.repeat(weights.astype(int)))
    for found, expected in zip(batches(sample_weight=weights), repeated, strict=True):
        assert len(found) == 2  # no factors
        np.testing.assert_array_equal(found[0].labeled, expected[0].labeled)
        np.testing.assert_array_equal(found[0].unlabeled, expected[0].unlabeled)
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("factor", [1.0, 1e-3])
def test_other_weights_are_factors_of_mean_one(factor):
    weights = np.array([0.5, 1.5, 0.0, 4.0, 1, 1, 1, 1, 1, 1, 1, 0.0]) * factor
    ((inputs, y, factors),) = batches(sample_weight=weights, sizes=(9, 99), count=1)
    by_row = dict(zip(inputs.labeled[:, 0] / 2, factors, strict=True))
    assert by_row == {0: 0.25, 1: 0.75, 3: 2.0}  # without the row of weight 0
    assert sorted(inputs.unlabeled[:, 0] / 2) == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10]


def test_class_weights():
    y = np.array([0, 0, 0, 1, *Y[4:]])
    for class_weight in ("balanced", {0: 1.0, 1: 3.0}):
        ((_, labels, factors),) = batches(y=y, class_weight=class_weight, sizes=(9, 99), count=1)
        np.testing.assert_allclose(factors, np.where(labels == 1, 2.0, 2 / 3), rtol=1e-6)


def test_class_weights_times_weights():
    weights = np.where(np.arange(12) == 1, 3.5, 0.5)
    found = batches(class_weight={0: 2.0, 1: 1.0}, sample_weight=weights, sizes=(9, 99), count=1)
    by_row = dict(zip(found[0][0].labeled[:, 0] / 2, found[0][2], strict=True))
    np.testing.assert_allclose([by_row[i] for i in range(4)], np.array([1, 3.5, 1, 0.5]) / 1.5)
