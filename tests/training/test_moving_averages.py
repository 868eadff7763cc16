"""The moving averages that come out of `fit`, against NumPy and against averages made anew."""

import keras
import numpy as np
import pytest
from golden.quick import TRACED
from golden.small_batches import STEPS, Batches, statistics
from keras import layers, ops

from keras_vat import Forward, VATModel, callbacks, data, regularizers

LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
METHODS = {
    "none": lambda: [],
    "at": lambda: [regularizers.AdversarialTraining(1.0)],
    "vat": lambda: [regularizers.VirtualAdversarialTraining(1.0)],
    "vat and entropy": lambda: [
        regularizers.VirtualAdversarialTraining(1.0),
        regularizers.EntropyMinimization(),
    ],
}


def expected_averages(dense, batches, updates=0, momentum=0.99):
    """The formula of `MovedState` for weights that stand still."""
    averages = np.array([np.zeros(6), np.ones(6)])
    for step in range(STEPS):
        seen = batches.statistics(step, dense.get_weights())
        share = max(1 - momentum, 9 / (10 + updates + step))
        averages += share * (seen - averages)
    return averages


def averages_of(model):
    batch_norm = model.classifier.layers[1]
    return np.array([batch_norm.moving_mean, batch_norm.moving_variance])


@pytest.mark.parametrize("unlabeled", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_all_clean_rows_move_the_averages_alike(
    make_classifier, make_vat_model, rows, method, unlabeled
):
    batches = Batches(rows, unlabeled)
    model = make_vat_model(METHODS[method](), make_classifier(batch_norm=True), optimizer="sgd")
    model.optimizer.learning_rate = 0.0
    for step in range(STEPS):
        model.train_on_batch(*batches[step])
    expected = expected_averages(model.classifier.layers[0], batches)
    np.testing.assert_allclose(averages_of(model), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("settings", [{"run_eagerly": True}, {"jit_compile": True}], ids=str)
def test_however_the_step_is_run(make_classifier, make_vat_model, rows, settings):
    classifier = make_classifier(batch_norm=True)
    classifier.layers[1].momentum = 0.2  # kept after the second update
    model = make_vat_model(METHODS["vat"](), classifier, **settings)
    model.optimizer.learning_rate = 0.0
    model.optimizer.iterations.assign(1)
    for step in range(STEPS):
        model.train_on_batch(*Batches(rows)[step])
    expected = expected_averages(classifier.layers[0], Batches(rows), updates=1, momentum=0.2)
    np.testing.assert_allclose(averages_of(model), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("count", "share"), [(2, 0.01), (32, 0.1), (640, 0.2)])
def test_later_on_large_batches_move_the_averages_faster(count, share):
    model = VATModel(keras.Sequential([keras.Input((3,)), layers.BatchNormalization()]))
    model.compile("sgd", "mse", jit_compile=False)
    model.optimizer.iterations.assign(10_000)
    x = np.random.default_rng(0).normal(1.0, 1.0, (count, 3)).astype("float32")
    model.train_on_batch(x, x)
    moving_mean = model.classifier.layers[0].moving_mean
    np.testing.assert_allclose(moving_mean, share * x.mean(axis=0), rtol=1e-4)


def test_a_layer_that_is_called_twice():
    """Its statistics are those of both calls; a share of nearly 1 doesn't overshoot."""
    inputs, batch_norm = keras.Input((3,)), layers.BatchNormalization()
    joined = layers.Add()([batch_norm(inputs), batch_norm(layers.Rescaling(3.0)(inputs))])
    model = VATModel(keras.Model(inputs, layers.Dense(2)(joined)))
    model.compile("sgd", LOGITS, jit_compile=False)
    x = np.random.default_rng(0).normal(1.0, 1.0, (8, 3)).astype("float32")
    model.train_on_batch(x, np.arange(8) % 2)
    kept = 0.99
    seen = (kept * x.mean(axis=0) + 3.0 * x.mean(axis=0)) / (kept + 1)
    np.testing.assert_allclose(batch_norm.moving_mean, 0.9 * seen, rtol=1e-4)


def test_frozen_layers_stand_still_and_cost_no_pass(make_classifier, make_vat_model, rows):
    classifier = make_classifier(batch_norm=True)
    classifier.layers[1].trainable = False
    before = [np.array(v) for v in classifier.layers[1].variables]
    forward = Forward(classifier, training=True, batch_statistics="auto")
    x, unlabeled = ops.convert_to_tensor(rows.x), ops.convert_to_tensor(rows.unlabeled)
    forward.labelled(x)
    passes = []
    forward.run = lambda *arguments: passes.append(arguments)
    forward.feed_averages(unlabeled)
    assert forward.moved == [] and passes == []
    model = make_vat_model(METHODS["vat"](), classifier)
    model.fit(Batches(rows), verbose=0)
    for variable, value in zip(classifier.layers[1].variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_momentum_as_it_is_where_the_number_of_updates_is_unknown(make_classifier, rows):
    classifier = make_classifier(batch_norm=True)
    forward = Forward(classifier, training=True, batch_statistics="auto")
    forward.labelled(ops.convert_to_tensor(rows.x))
    moved = {variable.name: np.array(value) for variable, value in forward.moved}
    seen = statistics(classifier.layers[0].get_weights(), rows.x)
    np.testing.assert_allclose(moved["moving_mean"], 0.01 * seen[0], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(moved["moving_variance"], 0.99 + 0.01 * seen[1], rtol=1e-4)


def test_perturbed_passes_and_searches_move_nothing(make_classifier, rows):
    forward = Forward(make_classifier(batch_norm=True), training=True, batch_statistics="auto")
    x = ops.convert_to_tensor(rows.x)
    forward.logits(x), forward.search(x)
    forward.through(lambda z: 2.0 * z, x).clean(x)  # as of reconstructions
    assert forward.moved == []


def test_batches_without_rows_count_for_nothing(make_classifier, rows, tf):
    """A replica may get none of the last ones."""
    classifier = make_classifier(batch_norm=True)

    @tf.function(input_signature=[tf.TensorSpec((None, 4)), tf.TensorSpec((None, 4))])
    def moved(labeled, unlabeled):
        forward = Forward(classifier, training=True, batch_statistics="auto")
        forward.labelled(labeled), forward.clean(unlabeled)
        return [value for _, value in forward.moved]

    some, none = ops.convert_to_tensor(rows.x), ops.zeros((0, 4))
    alone = Forward(classifier, training=True, batch_statistics="auto")
    alone.labelled(some)
    for parts in ((some, none), (none, some)):
        for found, (_, expected) in zip(moved(*parts), alone.moved, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("method", ["none", "vat"])
def test_validation_in_fit_is_as_good_as_with_averages_made_anew(method):
    """Digits, 50 labels, 60 updates: averages of Keras's momentum would not know yet."""
    (x, y), validation = data.load("digits")
    few = data.labeled_split(y, 50)
    keras.utils.set_random_seed(1)
    classifier = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    methods = METHODS[method]()
    for regularizer in methods:
        regularizer.epsilon = 0.6
    model = VATModel(classifier, methods)
    model.compile(keras.optimizers.Adam(2e-3), LOGITS, metrics=["accuracy"], **TRACED)
    batches = data.semi_supervised((x[few], y[few]), x, seed=0)
    made_anew = callbacks.BatchNormReestimation(x, steps=20)
    history = model.fit(batches, epochs=6, validation_data=validation, verbose=0).history
    made_anew.set_model(model)
    made_anew.on_train_end()
    best = model.evaluate(*validation, verbose=0, return_dict=True)["accuracy"]
    assert best > 0.75
    assert history["val_accuracy"][-1] > best - 0.02
