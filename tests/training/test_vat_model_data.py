"""What `fit`, `evaluate` and `predict` may be given."""

import keras
import numpy as np
import pytest

from keras_vat import SemiSupervisedInputs, VATModel, regularizers
from keras_vat.data import semi_supervised


def vat(**arguments):
    return regularizers.VirtualAdversarialTraining(**{"epsilon": 0.5, "seed": 1, **arguments})


def batches(rows, weighted=False):
    """Two batches of 6 labelled and 10 unlabelled rows."""
    for i in range(2):
        labeled = slice(6 * i, 6 * i + 6)
        x = SemiSupervisedInputs(rows.x[labeled], rows.unlabeled[10 * i : 10 * i + 10])
        weight = (np.linspace(0.5, 1.5, 6).astype("float32"),) if weighted else ()
        yield x, rows.y[labeled], *weight


class Batches(keras.utils.PyDataset):
    def __init__(self, rows, weighted=False):
        super().__init__()
        self._batches = list(batches(rows, weighted))

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, index):
        return self._batches[index]


@pytest.fixture(params=["dataset", "py_dataset"])
def as_dataset(request):
    """`batches` that can be read again and again and know their number."""
    if request.param == "py_dataset":
        return Batches
    tf = request.getfixturevalue("tf")

    def make(rows, weighted=False):
        signature = tuple(
            tf.nest.map_structure(lambda a: tf.TensorSpec((None, *a.shape[1:]), a.dtype), part)
            for part in next(batches(rows, weighted))
        )
        dataset = tf.data.Dataset.from_generator(
            lambda: batches(rows, weighted), output_signature=signature
        )
        return dataset.apply(tf.data.experimental.assert_cardinality(2))

    return make


def fit_in_order(model, data, **arguments):
    return model.fit(data, verbose=0, shuffle=False, **arguments).history


@pytest.mark.parametrize("weighted", [False, True])
def test_every_kind_of_data_gives_one_result(make_vat_model, rows, as_dataset, weighted):
    histories = []
    for data in (batches(rows, weighted), as_dataset(rows, weighted)):
        model = make_vat_model([vat(), regularizers.AdversarialTraining(epsilon=0.1)])
        histories.append(fit_in_order(model, data, steps_per_epoch=2))
        assert np.all(np.isfinite(list(histories[-1].values())))
        assert set(histories[-1]) == {"loss", "supervised_loss", "vat", "at"}
    for name, value in histories[0].items():
        np.testing.assert_allclose(histories[1][name], value, rtol=1e-5)


def test_methods_without_labels_see_the_unlabelled_rows(make_vat_model, rows):
    methods = [
        regularizers.EntropyMinimization(),
        regularizers.AdversarialTraining(epsilon=0.1),
    ]
    model = make_vat_model(methods)
    entropy = methods[0].penalty(model.classifier, rows.unlabeled)
    at = methods[1].penalty(model.classifier, rows.x, rows.y)
    logs = model.train_on_batch(
        SemiSupervisedInputs(rows.x, rows.unlabeled), rows.y, return_dict=True
    )
    assert logs["entropy"] == pytest.approx(float(entropy), rel=1e-5)
    assert logs["at"] == pytest.approx(float(at), rel=1e-5)


def test_supervised_batches_serve_every_method(make_vat_model, rows):
    entropy = regularizers.EntropyMinimization()
    model = make_vat_model([entropy])
    expected = entropy.penalty(model.classifier, rows.x)
    logs = model.train_on_batch(rows.x, rows.y, return_dict=True)
    assert logs["entropy"] == pytest.approx(float(expected), rel=1e-5)


def test_total_is_the_sum_of_its_terms(make_vat_model, rows):
    classifier = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.1))]
    )
    model = make_vat_model(
        [vat(weight=2.0), regularizers.EntropyMinimization(weight=0.5)], classifier
    )
    layer_loss = float(classifier.losses[0])
    compiled_loss = model.loss(rows.y, classifier(rows.x))
    logs = model.train_on_batch(rows.x, rows.y, return_dict=True)
    assert logs["supervised_loss"] == pytest.approx(float(compiled_loss) + layer_loss, rel=1e-5)
    assert logs["loss"] == pytest.approx(
        logs["supervised_loss"] + 2.0 * logs["vat"] + 0.5 * logs["entropy"], rel=1e-5
    )


def test_logs_are_means_over_rows(make_vat_model, rows):
    """An unequal last batch counts by the rows that a term sees."""
    entropy = regularizers.EntropyMinimization()
    model = make_vat_model([entropy], optimizer=keras.optimizers.SGD(0.0))
    sizes = [(0, 8, 0, 4), (8, 12, 4, 20)]
    data = [
        (SemiSupervisedInputs(rows.x[a:b], rows.unlabeled[c:d]), rows.y[a:b])
        for a, b, c, d in sizes
    ]
    logs = fit_in_order(model, (batch for batch in data), steps_per_epoch=2)
    expected = float(entropy.penalty(model.classifier, rows.unlabeled))
    assert logs["entropy"][0] == pytest.approx(expected, rel=1e-5)
    supervised = float(model.loss(rows.y, model.classifier(rows.x)))
    assert logs["supervised_loss"][0] == pytest.approx(supervised, rel=1e-5)


def test_plain_validation_in_a_semi_supervised_fit(make_vat_model, rows, as_dataset):
    model = make_vat_model(vat(), metrics=["accuracy"])
    history = fit_in_order(model, as_dataset(rows), validation_data=(rows.x, rows.y), epochs=2)
    assert {name for name in history if name.startswith("val_")} == {"val_loss", "val_accuracy"}
    loss, accuracy = model.evaluate(rows.x, rows.y, verbose=0)
    assert history["val_loss"][-1] == pytest.approx(loss)
    assert history["val_accuracy"][-1] == pytest.approx(accuracy)


def test_evaluate_reports_no_penalties(make_vat_model, rows):
    model = make_vat_model(vat(), metrics=["accuracy"])
    model.fit(rows.x, rows.y, verbose=0)
    assert set(model.evaluate(rows.x, rows.y, verbose=0, return_dict=True)) == {"loss", "accuracy"}
    assert set(model.test_on_batch(rows.x, rows.y, return_dict=True)) == {"loss", "accuracy"}


@pytest.mark.usefixtures("optimized")
def test_predict_needs_no_labels(make_vat_model, rows):
    model = make_vat_model(regularizers.AdversarialTraining(epsilon=0.1))
    model.fit(rows.x, rows.y, verbose=0)
    expected = model.classifier.predict(rows.x, verbose=0)
    np.testing.assert_array_equal(model.predict(rows.x, verbose=0), expected)


def test_predict_takes_datasets_without_labels(tf, make_vat_model, rows):
    model = make_vat_model(regularizers.AdversarialTraining(epsilon=0.1))
    model.fit(rows.x, rows.y, verbose=0)
    expected = model.classifier.predict(rows.x, verbose=0)
    dataset = tf.data.Dataset.from_tensor_slices(rows.x).batch(5)
    np.testing.assert_allclose(model.predict(dataset, verbose=0), expected, rtol=1e-6)


def test_evaluate_takes_semi_supervised_batches(make_vat_model, rows, as_dataset):
    model = make_vat_model(vat())
    expected = model.evaluate(rows.x, rows.y, batch_size=6, verbose=0)
    assert model.evaluate(as_dataset(rows), verbose=0) == pytest.approx(expected)


def test_sample_weights_reach_methods_with_labels(make_vat_model, rows):
    at = regularizers.AdversarialTraining(epsilon=0.1)
    weight = np.linspace(0.0, 2.0, 12).astype("float32")
    model = make_vat_model([at, regularizers.EntropyMinimization()])
    per_row = [
        float(at.penalty(model.classifier, rows.x[i : i + 1], rows.y[i : i + 1])) for i in range(12)
    ]
    entropy = float(model.regularizers[1].penalty(model.classifier, rows.x[1:]))
    logs = model.train_on_batch(rows.x, rows.y, weight, return_dict=True)
    assert logs["at"] == pytest.approx(np.mean(weight * per_row), rel=1e-5)
    # Methods without labels weigh all rows alike but the first, whose weight is 0.
    assert logs["entropy"] == pytest.approx(entropy, rel=1e-5)


def test_class_weights_are_sample_weights(make_vat_model, rows):
    class_weight = {0: 0.5, 1: 2.0, 2: 1.0}
    weight = np.array([class_weight[label] for label in rows.y], "float32")
    results = []
    for arguments in ({"class_weight": class_weight}, {"sample_weight": weight}):
        model = make_vat_model([vat(), regularizers.AdversarialTraining(epsilon=0.1)])
        history = model.fit(
            rows.x, rows.y, batch_size=6, shuffle=False, verbose=0, **arguments
        ).history
        results.append(history)
    assert results[0] == results[1]


def test_class_weights_in_a_semi_supervised_dataset(make_vat_model, rows, as_dataset):
    class_weight = {0: 0.5, 1: 2.0, 2: 1.0}
    weighted = [
        (x, y, np.array([class_weight[label] for label in y], "float32")) for x, y in batches(rows)
    ]
    results = []
    for data, arguments in (
        (as_dataset(rows), {"class_weight": class_weight}),
        ((batch for batch in weighted), {"steps_per_epoch": 2}),
    ):
        model = make_vat_model([vat(), regularizers.AdversarialTraining(epsilon=0.1)])
        history = fit_in_order(model, data, **arguments)
        results.append({name: values[0] for name, values in history.items()})
    assert results[0] == pytest.approx(results[1], rel=1e-6)


@pytest.mark.parametrize("class_weight", [{0: 2.0}, {np.float64(2): 0.5}, {}])
def test_classes_left_out_weigh_one_in_every_kind_of_data(
    make_vat_model, rows, as_dataset, class_weight
):
    histories = []
    for weights in (class_weight, {number: class_weight.get(number, 1.0) for number in range(3)}):
        model = make_vat_model([vat(), regularizers.AdversarialTraining(epsilon=0.1)])
        histories.append(fit_in_order(model, as_dataset(rows), class_weight=weights))
    assert histories[0] == histories[1]


def test_class_weights_leave_the_penalties_of_unlabelled_rows(make_vat_model, rows, as_dataset):
    """With a learning rate of 0, the weights of classes move the supervised loss alone."""
    histories = []
    for arguments in ({}, {"class_weight": {0: 9.0}}):
        model = make_vat_model(
            regularizers.EntropyMinimization(), optimizer=keras.optimizers.SGD(0.0)
        )
        histories.append(fit_in_order(model, as_dataset(rows), **arguments))
    assert histories[0]["entropy"] == histories[1]["entropy"]
    assert histories[0]["supervised_loss"][0] < histories[1]["supervised_loss"][0]


@pytest.mark.parametrize("class_weight", [[1.0, 2.0, 3.0], {"0": 2.0}, {-1: 0.0}, "balanced"])
def test_class_weights_of_other_kinds_are_refused(make_vat_model, rows, class_weight):
    with pytest.raises(TypeError, match="`class_weight` must be a dictionary.*Received: class_we"):
        make_vat_model(vat()).fit(rows.x, rows.y, class_weight=class_weight)


def test_a_validation_split_is_for_arrays(make_vat_model, rows, as_dataset):
    model = make_vat_model(vat())
    data = as_dataset(rows)
    with pytest.raises(ValueError, match="`validation_split` must be 0 .*_data=.*=0.25$"):
        model.fit(data, validation_split=0.25)
    # As in Keras, `validation_data` goes before it.
    history = fit_in_order(model, data, validation_split=0.25, validation_data=(rows.x, rows.y))
    assert "val_loss" in history


def test_a_validation_split_of_both_halves(make_vat_model, rows):
    """Of arrays of equal length in both halves the last rows are held out of either."""
    x = SemiSupervisedInputs(rows.x, rows.unlabeled[:12])
    entropy = regularizers.EntropyMinimization()
    model = make_vat_model(entropy, optimizer=keras.optimizers.SGD(0.0))
    history = fit_in_order(model, x, y=rows.y, validation_split=0.25)
    seen, held_out = float(entropy.penalty(model.classifier, rows.unlabeled[:9])), slice(9, 12)
    assert history["entropy"] == [pytest.approx(seen, rel=1e-5)]
    expected = model.evaluate(rows.x[held_out], rows.y[held_out], verbose=0)
    assert history["val_loss"] == [pytest.approx(expected)]


def test_images_of_bytes_are_refused_with_the_cure(make_vat_model):
    classifier = keras.Sequential(
        [keras.Input((4,), dtype="uint8"), keras.layers.Rescaling(1 / 255), keras.layers.Dense(3)]
    )
    model = make_vat_model(vat(), classifier)
    with pytest.raises(TypeError, match="integers can't be perturbed. Say where to perturb"):
        model.train_on_batch(np.zeros((2, 4), "uint8"), np.zeros(2, "int32"))


def test_numpy_doubles_train_as_floats(make_vat_model, rows):
    model = make_vat_model(vat())
    logs = model.train_on_batch(np.float64(rows.x), rows.y, return_dict=True)
    expected = make_vat_model(vat()).train_on_batch(rows.x, rows.y, return_dict=True)
    assert logs == pytest.approx(expected, rel=1e-5)


def test_unequal_last_batch_retraces_no_more_than_keras_does(rows):
    traces = {}

    class Counting(keras.layers.Layer):
        def call(self, x, training=False):
            if training:
                traces[self.name] += 1
            return x

    def count(wrap, name):
        traces[name] = 0
        keras.utils.set_random_seed(0)
        classifier = keras.Sequential(
            [keras.Input((4,)), Counting(name=name), keras.layers.Dense(3)]
        )
        traces[name] = 0
        model = wrap(classifier)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True), jit_compile=False)
        model.fit(rows.x, rows.y, batch_size=5, epochs=3, verbose=0)
        return traces[name]

    plain = count(lambda classifier: classifier, "plain")
    wrapped = count(lambda classifier: VATModel(classifier, [vat()]), "wrapped")
    # Three passes in each trace: labelled, moved by xi, perturbed.
    assert wrapped == 3 * plain


def test_endless_batches_need_a_number_of_steps(make_vat_model, rows):
    model = make_vat_model(vat())
    endless = semi_supervised((rows.x, rows.y), rows.unlabeled, 4, 5, repeat=True)
    with pytest.raises(ValueError, match="`steps_per_epoch` is needed.*endless"):
        model.fit(endless, verbose=0, shuffle=False)
    fit_in_order(model, endless, steps_per_epoch=2)
    assert int(model.optimizer.iterations) == 2


def test_losses_and_metrics_by_the_name_of_the_output(rows):
    inputs = keras.Input((4,))
    classifier = keras.Model(inputs, keras.layers.Dense(3, name="kind")(inputs))
    model = VATModel(classifier, [vat(), regularizers.AdversarialTraining(0.1)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", {"kind": loss}, metrics={"kind": ["accuracy"]}, jit_compile=False)
    logs = fit_in_order(model, rows.x, y=rows.y)
    assert logs["vat"][0] > 0 and logs["at"][0] > 0 and "accuracy" in logs
    with pytest.raises(ValueError, match="class numbers below 3"):
        model.fit(rows.x, rows.y + 1)
    found = model.evaluate(rows.x, rows.y, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(float(loss(rows.y, classifier(rows.x))), rel=1e-5)
