import numpy as np
import pytest

from keras_vat.data import labeled_split

Y = np.arange(300) % 3


def test_balanced_split_has_equally_many_of_each_class():
    rows = labeled_split(Y, 30)
    assert np.bincount(Y[rows]).tolist() == [10, 10, 10]
    assert len(set(rows.tolist())) == 30
    assert rows.dtype == np.int64


def test_a_remainder_goes_to_different_classes():
    counts = [tuple(np.bincount(Y[labeled_split(Y, 31, seed=s)])) for s in range(20)]
    assert all(sorted(count) == [10, 10, 11] for count in counts)
    assert len(set(counts)) == 3


def test_unbalanced_split_draws_rows_without_repetition():
    skewed = np.array([0] * 290 + [1] * 10)
    rows = labeled_split(skewed, 100, balanced=False)
    assert len(set(rows.tolist())) == 100
    assert (skewed[rows] == 1).sum() <= 10


def test_the_seed_decides():
    np.testing.assert_array_equal(labeled_split(Y, 9, seed=1), labeled_split(Y, 9, seed=1))
    assert sorted(labeled_split(Y, 9, seed=1)) != sorted(labeled_split(Y, 9, seed=2))


def test_one_hot_and_column_labels_give_the_same_rows():
    expected = labeled_split(Y, 9)
    np.testing.assert_array_equal(labeled_split(np.eye(3)[Y], 9), expected)
    np.testing.assert_array_equal(labeled_split(Y[:, None], 9), expected)


@pytest.mark.parametrize("balanced", [True, False])
def test_rows_without_label_are_never_drawn(balanced):
    y = np.where(np.arange(300) < 30, Y, -1)
    assert labeled_split(y, 30, balanced=balanced).max() < 30


@pytest.mark.parametrize(
    ("y", "num_labels", "message"),
    [
        (Y, 301, "at most the number of labels in `y`, 300. Received: num_labels=301"),
        (Y, 2, "at least the number of classes, 3, .* Received: num_labels=2"),
        (Y, 0, "`num_labels` must be at least 1. Received: num_labels=0"),
        (np.array([0] * 50 + [1] * 2), 10, "5 rows of class 1, which has 2. Received"),
        (np.zeros((4, 2, 2)), 2, r"`y` must be labels .* Received: y with shape \(4, 2, 2\)"),
    ],
)
def test_impossible_splits_are_refused(y, num_labels, message):
    with pytest.raises(ValueError, match=message):
        labeled_split(y, num_labels)
