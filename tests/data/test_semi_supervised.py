import contextlib
import itertools

import keras
import numpy as np
import pytest

from keras_vat.data import SemiSupervisedInputs, semi_supervised
from keras_vat.data.random_shift import RandomShift
from keras_vat.regularizers import EntropyMinimization


def rows(n, start=0):
    """Inputs whose only entry is their row number, which tells the rows apart in a batch."""
    return np.arange(start, start + n, dtype="float32")[:, None]


def numbers(batches):
    return np.concatenate([np.asarray(batch)[:, 0] for batch in batches]).astype(int).tolist()


def num_batches(dataset):
    """-1 where there is no end."""
    if isinstance(dataset, keras.utils.PyDataset):
        return -1 if dataset.num_batches is None else dataset.num_batches
    return int(dataset.cardinality())


@pytest.fixture
def as_dataset(tf):
    return tf.data.Dataset.from_tensor_slices


@pytest.fixture(params=["arrays", "dataset"])
def source(request):
    """Leaves arrays as they are, or makes a dataset of them."""
    if request.param == "arrays":
        return lambda arrays: arrays
    return request.getfixturevalue("as_dataset")


def make(source=lambda arrays: arrays, labeled=10, unlabeled=50, **options):
    x = rows(labeled)
    options = {"labeled_batch_size": 4, "unlabeled_batch_size": 8, "seed": 1, **options}
    return semi_supervised(source((x, x[:, 0] * 10)), source(rows(unlabeled, 100)), **options)


def test_an_epoch_is_one_pass_over_the_unlabeled_rows_in_full_batches(source):
    dataset = make(source)
    assert num_batches(dataset) == 50 // 8
    elements = list(dataset)
    assert len(elements) == 6
    assert all(x.labeled.shape == (4, 1) and x.unlabeled.shape == (8, 1) for x, _ in elements)
    seen = numbers(x.unlabeled for x, _ in elements)
    assert len(set(seen)) == 48 and set(seen) <= set(range(100, 150))


@pytest.mark.backend("tensorflow")
def test_elements_are_semi_supervised_inputs_with_static_batch_sizes(source):
    inputs, labels = make(source).element_spec
    assert isinstance(inputs, SemiSupervisedInputs)
    assert inputs.labeled.shape == (4, 1) and inputs.unlabeled.shape == (8, 1)
    assert labels.shape == (4,)


def test_labels_and_weights_stay_with_their_rows(source):
    x = rows(10)
    labeled = source((x, x[:, 0] * 10, x[:, 0] + 0.5))
    dataset = semi_supervised(labeled, source(rows(64)), 4, 8)
    for inputs, y, weight in dataset:
        np.testing.assert_array_equal(y, inputs.labeled[:, 0] * 10)
        np.testing.assert_array_equal(weight, inputs.labeled[:, 0] + 0.5)


@pytest.mark.parametrize("num_labeled", [10, 5, 4])
def test_labeled_rows_go_round_evenly(source, num_labeled):
    dataset = make(source, labeled=num_labeled, unlabeled=80, labeled_batch_size=4)
    seen = numbers(x.labeled for x, _ in dataset)
    assert len(seen) == 40
    for start in range(0, 40 - num_labeled + 1, num_labeled):
        assert sorted(seen[start : start + num_labeled]) == list(range(num_labeled))


@pytest.fixture(params=["arrays", "dataset", "unknown length"])
def any_source(request):
    """Also datasets that do not know how many rows they have."""
    if request.param == "arrays":
        return lambda arrays: arrays
    as_dataset = request.getfixturevalue("as_dataset")
    if request.param == "dataset":
        return as_dataset
    return lambda arrays: as_dataset(arrays).filter(lambda *row: True)


@pytest.mark.parametrize(
    ("labeled", "unlabeled", "shapes", "message"),
    [
        (3, 50, (3, 8), r"each batch has 3 labelled rows \(`labeled_batch_size=4`\)\.$"),
        (
            10,
            5,
            (4, 5),
            r"has 5 unlabelled rows \(`unlabeled_batch_size=8`\)\. An epoch is one step; `steps_",
        ),
        (1, 1, (1, 1), "1 labelled rows .* and 1 unlabelled rows .* An epoch is one step"),
    ],
)
def test_few_rows_make_small_batches_and_one_warning(
    any_source, labeled, unlabeled, shapes, message
):
    with pytest.warns(UserWarning, match=message) as caught:
        dataset = make(any_source, labeled=labeled, unlabeled=unlabeled)
    assert [warning.filename for warning in caught] == [__file__]
    elements = list(dataset)
    assert len(elements) == unlabeled // shapes[1]
    for inputs, y in elements:
        assert (len(inputs.labeled), len(inputs.unlabeled)) == shapes
        assert len(set(numbers([inputs.labeled]))) == shapes[0]
        np.testing.assert_array_equal(y, inputs.labeled[:, 0] * 10)
    if unlabeled < 8:
        assert num_batches(dataset) == 1
        assert sorted(numbers([elements[0][0].unlabeled])) == list(range(100, 100 + unlabeled))


def test_few_rows_marked_minus_one(any_source):
    x, y = rows(8), np.where(np.arange(8) < 3, np.arange(8), -1)
    with pytest.warns(UserWarning, match="3 labelled rows .* and 5 unlabelled rows") as caught:
        dataset = semi_supervised(any_source((x, y)), seed=0)
    assert len(caught) == 1 and num_batches(dataset) == 1
    ((inputs, labels),) = dataset
    assert sorted(np.array(labels)) == [0, 1, 2]
    assert sorted(numbers([inputs.unlabeled])) == [3, 4, 5, 6, 7]


def test_few_rows_train_in_steps_of_one_shape(any_source, make_vat_model, rows):
    traced = []

    class Watch(keras.layers.Layer):
        def call(self, x, training=False):
            traced.append(tuple(x.shape))
            return x

    classifier = keras.Sequential([keras.Input((4,)), Watch(), keras.layers.Dense(3)])
    traced.clear()
    with pytest.warns(UserWarning, match="8 labelled rows .* and 20 unlabelled rows"):
        dataset = semi_supervised(
            any_source((rows.x[:8], rows.y[:8])), any_source(rows.unlabeled), steps_per_epoch=5
        )
    compiled = keras.backend.backend() == "jax"  # else every step there is a call
    model = make_vat_model(EntropyMinimization(), classifier, jit_compile=compiled)
    model.fit(dataset, verbose=0)
    assert set(traced) == {(8, 4), (20, 4)}
    traced.clear()
    model.fit(dataset, verbose=0)
    assert traced == [] and int(model.optimizer.iterations) == 10


@pytest.mark.parametrize("unlabeled", [5, 8, 12, 100])
def test_epochs_of_so_many_steps_span_passes(any_source, unlabeled):
    context = pytest.warns(UserWarning, match=r"\(`unlabeled_batch_size=8`\)\.$")
    with context if unlabeled < 8 else contextlib.nullcontext():
        dataset = make(any_source, unlabeled=unlabeled, steps_per_epoch=7)
    assert num_batches(dataset) == 7
    epochs = [numbers(x.unlabeled for x, _ in dataset) for _ in range(2)]
    assert epochs[0] != epochs[1]
    for seen in epochs:
        assert len(seen) == 7 * min(unlabeled, 8)
        counts = np.bincount(np.array(seen) - 100, minlength=unlabeled)
        assert counts.max() - counts.min() <= 2


def test_seeds_decide_epochs_of_so_many_steps(source):
    def epochs(seed):
        dataset = make(source, unlabeled=12, seed=seed, steps_per_epoch=3)
        return [
            (numbers(x.labeled for x, _ in dataset), numbers(x.unlabeled for x, _ in dataset))
            for _ in range(2)
        ]

    assert epochs(3) == epochs(3)
    assert epochs(3) != epochs(4)


def test_every_iteration_is_shuffled_anew(source):
    dataset = make(source)
    first, second = ([numbers([x.unlabeled]) for x, _ in dataset] for _ in range(2))
    assert first != second
    flat = [number for batch in first for number in batch]
    assert flat != sorted(flat)


def test_the_same_seed_gives_the_same_sequence_of_epochs(source):
    def epochs(seed):
        dataset = make(source, seed=seed)
        return [
            (numbers(x.labeled for x, _ in dataset), numbers(x.unlabeled for x, _ in dataset))
            for _ in range(2)
        ]

    assert epochs(3) == epochs(3)
    assert epochs(3) != epochs(4)


def test_the_order_of_a_seed_does_not_hang_on_the_global_one(source):
    def order(global_seed):
        keras.utils.set_random_seed(global_seed)
        return [numbers(x.labeled for x, _ in make(source, seed=3)) for _ in range(2)]

    assert order(0) == order(1)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_unknown_labels_are_to_be_minus_one(missing):
    y = np.array([0.0, 1.0, missing, missing], dtype=object)
    y = y.astype("float64") if missing is np.nan else y
    with pytest.raises(ValueError, match="-1 where a label is unknown.*2 labels that are NaN"):
        semi_supervised((rows(4), y))


def test_without_a_seed_the_global_seed_decides():
    def epoch(global_seed):
        keras.utils.set_random_seed(global_seed)
        return numbers(x.unlabeled for x, _ in make(seed=None))

    assert epoch(1) == epoch(1)
    assert epoch(1) != epoch(2)


def test_labeled_and_unlabeled_rows_are_shuffled_independently():
    x = rows(64)
    dataset = semi_supervised((x, x[:, 0]), x, 64, 64, seed=0)
    inputs, _ = next(iter(dataset))
    assert numbers([inputs.labeled]) != numbers([inputs.unlabeled])


def test_all_orders_of_rows_are_equally_likely():
    x = rows(3)
    dataset = semi_supervised((x, x[:, 0]), x, 1, 3, seed=0, repeat=True)
    orders = [tuple(numbers([inputs.unlabeled])) for inputs, _ in itertools.islice(dataset, 1200)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert min(counts) > 130 and max(counts) < 270  # 200 +- 5 standard deviations


def test_repeat_is_endless_and_sees_each_row_once_per_pass(source):
    dataset = make(source, unlabeled=12, repeat=True)
    assert num_batches(dataset) == -1
    seen = numbers(x.unlabeled for x, _ in itertools.islice(dataset, 6))
    assert len(seen) == 48
    for start in range(0, 48, 12):
        assert sorted(seen[start : start + 12]) == list(range(100, 112))


def test_label_minus_one_marks_unlabeled_rows(source):
    x = rows(30)
    y = np.where(np.arange(30) < 6, np.arange(30), -1).astype("int32")
    dataset = semi_supervised(source((x, y)), None, 3, 8, seed=0)
    assert num_batches(dataset) == 3
    for inputs, labels in dataset:
        assert set(numbers([inputs.labeled])) <= set(range(6))
        assert set(numbers([inputs.unlabeled])) <= set(range(6, 30))
        np.testing.assert_array_equal(labels, inputs.labeled[:, 0])


def test_one_hot_rows_of_minus_one_are_unlabeled():
    y = np.full((20, 3), -1.0, "float32")
    y[:4] = np.eye(3)[[0, 1, 2, 0]]
    inputs, labels = next(iter(semi_supervised((rows(20), y), None, 4, 16)))
    assert sorted(numbers([inputs.labeled])) == [0, 1, 2, 3]
    assert sorted(numbers([inputs.unlabeled])) == list(range(4, 20))
    assert np.min(labels) == 0.0


def test_inputs_may_be_structures():
    def x(n):
        return {"image": np.zeros((n, 4, 4)), "pair": (np.zeros((n, 2), "int32"), np.zeros(n))}

    inputs, _ = next(iter(semi_supervised((x(5), np.zeros(5)), x(9), 2, 3)))
    assert inputs.labeled["image"].shape == (2, 4, 4)
    assert inputs.unlabeled["pair"][0].shape == (3, 2)


def test_a_list_of_arrays_is_a_structure_and_a_list_of_numbers_an_array():
    inputs, y = next(iter(semi_supervised(([rows(3), rows(3)], [0, 1, 2]), [rows(9)] * 2, 2, 3)))
    assert len(inputs.labeled) == 2 and inputs.unlabeled[1].shape == (3, 1)
    assert y.shape == (2,)


def test_arrays_and_datasets_may_be_mixed(as_dataset):
    x = rows(5)
    inputs, _ = next(iter(semi_supervised((x, x[:, 0]), as_dataset(rows(20, 100)), 2, 4)))
    assert inputs.labeled.shape == (2, 1) and inputs.unlabeled.shape == (4, 1)


def test_a_dataset_of_unknown_length_is_read_to_its_end(as_dataset):
    unlabeled = as_dataset(rows(20)).filter(lambda x: x[0] >= 4.0)
    x = rows(5)
    dataset = semi_supervised((x, x[:, 0]), unlabeled, 2, 4)
    assert len(list(dataset)) == 4


def test_doubles_become_floatx_and_integers_stay(source):
    labeled = source((np.zeros((4, 2)), np.zeros(4, "int64"), np.ones(4)))
    inputs, y, weight = next(iter(semi_supervised(labeled, source(np.zeros((4, 2))), 2, 2)))
    assert inputs.labeled.dtype == inputs.unlabeled.dtype == weight.dtype == "float32"
    assert y.dtype == "int64"


def test_augment_callable_is_applied_to_both_halves():
    plain, augmented = make(), make(augment=lambda x: x + 1000.0)
    for (x, y), (z, w) in zip(plain, augmented, strict=True):
        np.testing.assert_array_equal(z.labeled, x.labeled + 1000.0)
        np.testing.assert_array_equal(z.unlabeled, x.unlabeled + 1000.0)
        np.testing.assert_array_equal(w, y)


def test_augment_layer_is_called_for_training_and_reproducibly():
    def first_epoch():
        x = np.ones((6, 8, 8, 1), "float32")
        layer = RandomShift(2, seed=5)
        return list(semi_supervised((x, np.zeros(6)), x, 3, 3, augment=layer, seed=0))

    one, two = first_epoch(), first_epoch()
    assert any(np.min(x.labeled) == 0.0 for x, _ in one)  # zeros have been shifted in
    assert any(np.min(x.unlabeled) == 0.0 for x, _ in one)
    for (x, _), (z, _) in zip(one, two, strict=True):
        np.testing.assert_array_equal(x.labeled, z.labeled)
        np.testing.assert_array_equal(x.unlabeled, z.unlabeled)


def test_fit_gets_another_order_in_each_epoch():
    seen = []

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight(initializer="ones")
            self.built = True

        def call(self, inputs):
            return self.scale * inputs.unlabeled

    model = Model()
    model.compile(keras.optimizers.SGD(0.0), lambda y, unlabeled: keras.ops.mean(unlabeled))
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: seen.append(float(logs["loss"]))
    )
    history = model.fit(make(), epochs=2, shuffle=False, verbose=0, callbacks=[watch])
    assert len(history.epoch) == 2 and len(seen) == 12
    assert seen[:6] != seen[6:]


@pytest.mark.parametrize(
    ("labeled", "unlabeled", "error", "message"),
    [
        (rows(4), rows(4), TypeError, "`labeled` must be a tuple of arrays .* Received: labeled="),
        ((rows(4), rows(3)), rows(4), ValueError, r"same number of rows. Received: .*\[4, 3\]"),
        ((rows(0), rows(0)), rows(4), ValueError, "`labeled` must have at least one row"),
        ((rows(4), rows(4)), (rows(4), rows(4)), ValueError, "must have the structure of"),
        ((rows(4), rows(4)), np.zeros((4, 2)), ValueError, "must have the shape of .* Received"),
        ((rows(4), rows(4)), np.zeros((4, 1), "uint8"), TypeError, "kind of dtype of .* Received"),
        ((rows(4), rows(4)), 3.0, ValueError, "first axis with one row per example"),
        ((rows(4), None), rows(4), TypeError, "`labeled` must hold arrays only"),
        ((rows(4), np.zeros(4)), None, ValueError, "none of its 4 labels -1"),
        ((rows(4), -np.ones(4)), None, ValueError, "all of its 4 labels -1"),
        ((rows(4), {"a": rows(4)}), None, ValueError, "single array of labels"),
        ((rows(4), rows(4)), rows(0), ValueError, "`unlabeled` must have at least one row"),
    ],
)
def test_wrong_data_are_refused(labeled, unlabeled, error, message):
    with pytest.raises(error, match=message):
        semi_supervised(labeled, unlabeled, 2, 2)


LABELED = rows(4), rows(4)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (
            lambda ds: (ds(rows(4)), rows(4)),
            TypeError,
            "`labeled` must be a `tf.data.Dataset` of tup",
        ),
        (lambda ds: (ds(LABELED).batch(2), rows(4)), ValueError, "Call `unbatch"),
        (lambda ds: (ds((rows(4), np.zeros(4))), None), ValueError, "0 of its 4 labels -1"),
        (lambda ds: (ds(LABELED).repeat(), None), ValueError, "finite dataset .* endless"),
        (lambda ds: (ds(LABELED).take(0), rows(4)), ValueError, "Received: an empty dataset"),
        (lambda ds: (LABELED, ds(rows(0))), ValueError, "`unlabeled` must have .*an empty dataset"),
        (lambda ds: (LABELED, ds(rows(9)).filter(lambda x: False)), ValueError, "an empty"),
    ],
)
def test_wrong_datasets_are_refused(as_dataset, data, error, message):
    with pytest.raises(error, match=message):
        semi_supervised(*data(as_dataset), 2, 2)


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ({"labeled_batch_size": 0}, ValueError, "`labeled_batch_size` must be .* Received"),
        ({"unlabeled_batch_size": -1}, ValueError, "`unlabeled_batch_size` must be .* Received"),
        ({"labeled_batch_size": 2.5}, TypeError, "`labeled_batch_size` must be an integer"),
        ({"augment": "flip"}, TypeError, "`augment` must be a Keras layer .* Received: augment="),
        ({"steps_per_epoch": 0}, ValueError, "`steps_per_epoch` must be at least 1. Received"),
        ({"steps_per_epoch": 2.5}, TypeError, "`steps_per_epoch` must be an integer"),
        ({"steps_per_epoch": 2, "repeat": True}, ValueError, "None where `repeat=True`.* Received"),
        ({"seed": -1}, ValueError, "`seed` must be at least 0. Received: seed=-1"),
    ],
)
def test_wrong_options_are_refused(option, error, message):
    with pytest.raises(error, match=message):
        make(**option)
