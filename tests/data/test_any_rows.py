"""Splits and batches of every size take each row as often as they promise."""

import warnings

import numpy as np
import pytest

from keras_vat.data import labeled_split, semi_supervised

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

few = hypothesis.settings(
    max_examples=15,
    phases=[hypothesis.Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@few
@hypothesis.given(
    counts=st.lists(st.integers(4, 9), min_size=1, max_size=4),
    each=st.integers(1, 3),
    rest=st.integers(0, 3),
    one_hot=st.booleans(),
    balanced=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_splits_hold_every_row_once_and_classes_alike(counts, each, rest, one_hot, balanced, seed):
    y = np.concatenate([np.repeat(np.arange(len(counts)), counts), np.full(5, -1)])
    y = np.random.default_rng(seed).permutation(y)
    num_labels = each * len(counts) + min(rest, len(counts) - 1)
    given = y if not one_hot else np.where(y[:, None] < 0, -1, np.eye(len(counts))[y])
    rows = labeled_split(given, num_labels, seed=seed, balanced=balanced)
    assert len(np.unique(rows)) == num_labels and np.all(y[rows] >= 0)
    if balanced:
        found = np.bincount(y[rows], minlength=len(counts))
        assert found.max() - found.min() <= 1
    np.testing.assert_array_equal(rows, labeled_split(given, num_labels, seed, balanced))


@few
@hypothesis.given(
    labeled=st.integers(1, 6),
    unlabeled=st.integers(1, 11),
    labeled_batch=st.integers(1, 7),
    unlabeled_batch=st.integers(1, 11),
    seed=st.sampled_from([None, 0, 7]),
)
def test_an_epoch_is_one_pass_in_full_batches(
    labeled, unlabeled, labeled_batch, unlabeled_batch, seed
):
    x, y = np.arange(float(labeled))[:, None], np.arange(labeled)
    more = np.arange(100.0, 100.0 + unlabeled)[:, None]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = semi_supervised((x, y), more, labeled_batch, unlabeled_batch, seed=seed)
    assert len(caught) == (labeled_batch > labeled or unlabeled_batch > unlabeled)
    labeled_batch, unlabeled_batch = min(labeled_batch, labeled), min(unlabeled_batch, unlabeled)
    seen, labels = [], []
    for inputs, targets in data if hasattr(data, "take") else _batches(data):
        assert inputs.labeled.shape == (labeled_batch, 1)
        assert inputs.unlabeled.shape == (unlabeled_batch, 1)
        np.testing.assert_array_equal(np.ravel(inputs.labeled), targets)
        seen += np.ravel(inputs.unlabeled).tolist()
        labels += np.ravel(targets).tolist()
    assert len(seen) == unlabeled // unlabeled_batch * unlabeled_batch
    assert len(set(seen)) == len(seen) and set(seen) <= set(more.ravel())
    rounds = np.bincount(labels, minlength=labeled)
    assert rounds.max() - rounds.min() <= 1


def _batches(data):
    return (data[i] for i in range(data.num_batches))
