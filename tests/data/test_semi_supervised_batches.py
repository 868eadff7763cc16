"""The batches of arrays that stand in for `tf.data`."""

import keras
import numpy as np
import pytest
from keras import tree

from keras_vat.data import augmentation, semi_supervised
from keras_vat.data.array_rows import ArrayRows
from keras_vat.data.semi_supervised_batches import SemiSupervisedBatches
from keras_vat.regularizers import EntropyMinimization

X = np.arange(10.0)[:, None]
Y = np.arange(10)
MORE = np.arange(100.0, 125.0)[:, None]


def batches(
    labeled=(X, Y),
    unlabeled=MORE,
    sizes=(4, 8),
    repeat=False,
    augment=lambda x: x,
    seeds=(1, 2),
    steps_per_epoch=None,
):
    labeled = ArrayRows.labeled(labeled)
    if unlabeled is None:
        labeled, unlabeled = labeled.split_by_label()
    else:
        unlabeled = ArrayRows.unlabeled(unlabeled)
    return SemiSupervisedBatches(
        labeled, unlabeled, *sizes, augment, seeds, repeat, steps_per_epoch
    )


def epoch(data, number=3):
    found = [data[i] for i in range(data.num_batches or number)]
    data.on_epoch_end()
    return found


def test_an_epoch_is_a_pass_over_the_unlabelled_rows_in_full_batches():
    data = batches()
    assert data.num_batches == 3
    first, second = epoch(data), epoch(data)
    for inputs, y in first + second:
        assert inputs.labeled.shape == (4, 1) and inputs.unlabeled.shape == (8, 1)
        assert inputs.labeled.dtype == "float32"
        np.testing.assert_array_equal(inputs.labeled[:, 0], y)
    seen = np.concatenate([inputs.unlabeled[:, 0] for inputs, _ in first])
    assert len(np.unique(seen)) == 24 and np.isin(seen, MORE).all()
    again = np.concatenate([inputs.unlabeled[:, 0] for inputs, _ in second])
    assert (seen != again).any()
    # The labelled rows go round: each once in ten, across batches and epochs.
    labels = np.concatenate([y for _, y in first + second])
    for start in (0, 10):
        np.testing.assert_array_equal(np.sort(labels[start : start + 10]), Y)


def test_endless_batches_span_passes():
    data = batches(repeat=True)
    assert data.num_batches is None
    seen = np.concatenate([inputs.unlabeled[:, 0] for inputs, _ in epoch(data, 25)])
    for start in range(0, 200, 25):
        np.testing.assert_array_equal(np.sort(seen[start : start + 25]), MORE[:, 0])


def test_epochs_of_so_many_batches_go_on_where_the_last_one_ended():
    data, endless = batches(steps_per_epoch=5), batches(repeat=True)
    assert data.num_batches == len(data) == 5
    for found, expected in zip(epoch(data) + epoch(data), epoch(endless, 10), strict=True):
        np.testing.assert_array_equal(found[0].labeled, expected[0].labeled)
        np.testing.assert_array_equal(found[0].unlabeled, expected[0].unlabeled)


def test_parts_are_those_of_each_pass():
    whole, rest, first = batches(), batches().skip(1), batches().take(2)
    assert (len(whole), len(rest), len(first), len(whole.skip(2).take(5))) == (3, 2, 2, 1)
    assert len(whole.skip(4)) == 0 and list(whole.skip(4)) == []
    for _ in range(2):
        expected = epoch(whole)
        for part, batches_of_pass in ((rest, expected[1:]), (first, expected[:2])):
            for found, batch in zip(epoch(part), batches_of_pass, strict=True):
                np.testing.assert_array_equal(found[0].unlabeled, batch[0].unlabeled)
                np.testing.assert_array_equal(found[1], batch[1])


def test_the_rest_of_endless_batches():
    whole = batches(repeat=True)
    np.testing.assert_array_equal(whole.skip(5)[2][0].unlabeled, whole[7][0].unlabeled)
    assert len(whole.take(4)) == 4
    with pytest.raises(TypeError, match="endless: give `steps_per_epoch`"):
        len(whole)


def test_the_seeds_decide():
    for first, second in zip(epoch(batches()), epoch(batches()), strict=True):
        np.testing.assert_array_equal(first[0].unlabeled, second[0].unlabeled)
        np.testing.assert_array_equal(first[1], second[1])


def test_without_a_seed_the_global_one_decides():
    orders = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        orders.append(batches(seeds=(None, None))[0][1])
    np.testing.assert_array_equal(*orders)


@pytest.mark.backend("jax")
def test_on_jax_arrays_need_no_pipeline():
    images = np.ones((25, 6, 6, 1), "float32")
    augment = augmentation("mnist", seed=0)
    data = semi_supervised((images[:10], Y), images, 4, 8, augment=augment, seed=0)
    assert isinstance(data, SemiSupervisedBatches)
    for inputs, y in data:
        assert inputs.labeled.shape[0] == len(y) == 4 and inputs.unlabeled.shape[0] == 8
        assert not np.all(inputs.unlabeled)  # zeros were moved in


@pytest.mark.backend("jax")
def test_pipelines_train_on_jax_where_tensorflow_is(make_vat_model, rows):
    tensorflow = pytest.importorskip("tensorflow", reason="pipelines are TensorFlow's")
    labeled, unlabeled = (
        tensorflow.data.Dataset.from_tensor_slices(arrays)
        for arrays in ((rows.x, rows.y), rows.unlabeled)
    )
    data = semi_supervised(labeled, unlabeled, 4, 20, seed=0)  # all unlabelled rows in a batch
    entropy = EntropyMinimization()
    model = make_vat_model(entropy)
    expected = float(entropy.penalty(model.classifier, rows.unlabeled))
    assert model.fit(data, verbose=0).history["entropy"] == [pytest.approx(expected, rel=1e-5)]


def test_an_array_in_a_file_stays_there(tmp_path):
    """Of an array that is mapped into memory only the rows of a batch are read."""
    np.save(tmp_path / "rows.npy", MORE.astype("float32"))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    rows = ArrayRows.unlabeled(mapped)
    assert np.shares_memory(tree.flatten(rows._arrays)[0], mapped)
    found, _ = batches(unlabeled=mapped)[0]
    np.testing.assert_array_equal(found.unlabeled, batches()[0][0].unlabeled)


def test_rows_marked_minus_one_weights_structures_and_augmentation():
    y = np.where(Y < 4, Y, -1)
    labeled = ({"a": X, "b": -X}, y, np.ones(10))
    data = batches(labeled, None, (2, 3), augment=lambda x: {**x, "b": x["b"] - 1})
    inputs, labels, weights = data[0]
    np.testing.assert_array_equal(inputs.labeled["b"], -inputs.labeled["a"] - 1)
    assert labels.max() < 4 and inputs.unlabeled["a"].min() >= 4 and weights.shape == (2,)


@pytest.mark.parametrize(
    ("labeled", "unlabeled", "error", "message"),
    [
        (X, MORE, TypeError, "`labeled` must be a tuple of arrays"),
        ((X, Y[:9]), MORE, ValueError, r"same number of rows.*rows \[10, 9\]"),
        ((X, Y), MORE[:, 0], ValueError, "`unlabeled` must have the shape"),
        ((X, Y), {"a": MORE}, ValueError, "`unlabeled` must have the structure"),
        ((X, Y), MORE.astype("int32"), TypeError, "`unlabeled` must have the kind of dtype"),
        ((X, Y), MORE[:0], ValueError, "`unlabeled` must have at least one row"),
        ((X, Y), None, ValueError, "none of its 10 labels -1"),
    ],
)
def test_what_can_not_be_batched_is_refused_on_every_backend(labeled, unlabeled, error, message):
    with pytest.raises(error, match=message):
        semi_supervised(labeled, unlabeled, 4, 8)
