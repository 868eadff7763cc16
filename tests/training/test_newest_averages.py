"""The moving averages that `fit` shows: those of the weights as they are, against NumPy."""

import keras
import numpy as np
import pytest
from golden.small_batches import LABELED, STEPS, UNLABELED, Batches, statistics

from keras_vat import VATModel, callbacks, regularizers
from keras_vat.training import newest_averages

ALL, LATER = range(STEPS), (2, 3)


class Seen(keras.callbacks.Callback):
    """What another callback finds: the averages, and the weights in front of them."""

    def __init__(self):
        super().__init__()
        self.found = {}

    def look(self, when):
        dense, batch_norm = self.model.classifier.layers[:2]
        averages = [batch_norm.moving_mean, batch_norm.moving_variance]
        self.found[when] = [np.array(v) for v in averages], dense.get_weights()

    def on_test_end(self, logs=None):
        self.look("validation")

    def on_epoch_end(self, epoch, logs=None):
        self.look("epoch's end")
        self.logs = logs

    def on_train_end(self, logs=None):
        self.look("training's end")


def measured(weights, batches, steps=ALL):
    """Mean over all rows of what normalisation sees of these steps, in float64."""
    return np.mean([batches.statistics(step, weights) for step in steps], axis=0)


@pytest.fixture(autouse=True)
def few_rows_are_enough(monkeypatch):
    monkeypatch.setattr(newest_averages, "_FEW_ROWS", 1)


@pytest.fixture
def make_model(make_classifier, make_vat_model):
    """VAT on a perceptron with batch normalisation, with steps that move its weights far."""

    def make(**settings):
        keras.utils.set_random_seed(0)
        regularizer = regularizers.VirtualAdversarialTraining(1.0)
        optimizer = keras.optimizers.SGD(0.5)
        classifier = make_classifier(batch_norm=True)
        return make_vat_model([regularizer], classifier, optimizer=optimizer, **settings)

    return make


@pytest.mark.parametrize("unlabeled", [True, False])
@pytest.mark.parametrize("validated", [True, False])
def test_all_that_fit_shows_are_averages_of_the_newest_weights(
    make_model, rows, unlabeled, validated
):
    model, seen, batches = make_model(), Seen(), Batches(rows, unlabeled)
    start = model.classifier.layers[0].get_weights()
    model.fit(
        batches,
        epochs=2,
        verbose=0,
        shuffle=False,
        callbacks=[seen],
        validation_data=(rows.x, rows.y) if validated else None,
    )
    places = ["epoch's end", "training's end"] + ["validation"] * validated
    assert set(seen.found) == set(places)
    for when, (found, weights) in seen.found.items():
        expected = measured(weights, batches, ALL if when == "training's end" else LATER)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(start[0] - model.classifier.layers[0].get_weights()[0]).max() > 0.1
    names = {"loss", "supervised_loss", "vat", *(["val_loss"] if validated else [])}
    assert set(seen.logs) == names and model._newest_batches is None


@pytest.mark.parametrize("settings", [{"run_eagerly": True}, {"jit_compile": True}], ids=str)
def test_however_the_step_is_run(make_model, rows, settings):
    model, seen = make_model(**settings), Seen()
    model.fit(Batches(rows), verbose=0, shuffle=False, callbacks=[seen])
    found, weights = seen.found["training's end"]
    np.testing.assert_allclose(found, measured(weights, Batches(rows)), rtol=1e-4, atol=1e-6)


def test_of_several_steps_at_once_the_last_one_is_kept(make_model, rows):
    model, seen = make_model(steps_per_execution=2), Seen()
    model.fit(Batches(rows), verbose=0, shuffle=False, callbacks=[seen])
    found, weights = seen.found["training's end"]
    expected = measured(weights, Batches(rows), [1, 3])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("limit", ["_ROWS", "_BYTES"])
def test_no_more_is_kept_than_is_wanted(make_model, rows, monkeypatch, limit):
    row = 1 if limit == "_ROWS" else 4 * 4
    monkeypatch.setattr(newest_averages, limit, row * (LABELED + UNLABELED))
    model, seen = make_model(), Seen()
    model.fit(Batches(rows), verbose=0, shuffle=False, callbacks=[seen])
    found, weights = seen.found["training's end"]
    expected = measured(weights, Batches(rows), [3])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def weights_after_steps(make_model, rows):
    """Where averages are those of past steps: as `train_on_batch` leaves them."""
    model = make_model()
    for step in range(STEPS):
        model.train_on_batch(*Batches(rows)[step])
    return model.get_weights()


def test_few_rows_leave_averages_of_past_steps(make_model, rows, monkeypatch):
    monkeypatch.setattr(newest_averages, "_FEW_ROWS", STEPS * (LABELED + UNLABELED) + 1)
    model = make_model()
    model.fit(Batches(rows), verbose=0, shuffle=False)
    expected = weights_after_steps(make_model, rows)
    for found, value in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-6)


def test_short_epochs_are_measured_together(make_model, rows, monkeypatch):
    monkeypatch.setattr(newest_averages, "_FEW_ROWS", 2 * (LABELED + UNLABELED) + 1)
    model, ends = make_model(), []

    class Ends(Seen):
        def on_epoch_end(self, epoch, logs=None):
            self.look("epoch's end")
            ends.append(self.found["epoch's end"])

    model.fit(Batches(rows), epochs=2, verbose=0, shuffle=False, callbacks=[Ends()])
    (first, weights), (second, later_weights) = ends
    assert np.abs(first - measured(weights, Batches(rows))).max() > 0.01
    expected = measured(later_weights, Batches(rows))
    np.testing.assert_allclose(second, expected, rtol=1e-4, atol=1e-6)


def test_weights_that_the_optimizer_averages(make_model, rows):
    """They take the place of the others behind the last epoch."""
    model = make_model()
    model.compile(
        keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=keras.backend.backend() == "jax",
    )
    model.fit(Batches(rows), verbose=0, shuffle=False)
    dense, batch_norm = model.classifier.layers[:2]
    found = [batch_norm.moving_mean, batch_norm.moving_variance]
    expected = measured(dense.get_weights(), Batches(rows))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_weights_that_another_callback_puts_in_for_validation(make_model, rows):
    model, seen = make_model(), Seen()

    class Swap(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            dense = self.model.classifier.layers[0]
            dense.set_weights([0.5 * value for value in dense.get_weights()])

        def on_test_end(self, logs=None):
            seen.look("validation")

    seen.set_model(model)
    validation = rows.x, rows.y
    swap = [Swap()]
    model.fit(Batches(rows), verbose=0, shuffle=False, validation_data=validation, callbacks=swap)
    found, weights = seen.found["validation"]
    np.testing.assert_allclose(found, measured(weights, Batches(rows), LATER), rtol=1e-4, atol=1e-6)


def test_another_fit_in_a_callback(make_model, rows):
    model, seen = make_model(), Seen()

    class Inner(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.fit(Batches(rows), verbose=0)

    callbacks_of_both = [Inner(), seen]
    model.fit(Batches(rows), epochs=2, verbose=0, shuffle=False, callbacks=callbacks_of_both)
    found, weights = seen.found["epoch's end"]
    np.testing.assert_allclose(found, measured(weights, Batches(rows), LATER), rtol=1e-4, atol=1e-6)


def test_layers_whose_share_is_unknown_keep_averages_of_past_steps(rows):
    """And the layer behind them is measured all the same."""
    frozen, renorm, plain = (
        keras.layers.BatchNormalization(**settings)
        for settings in ({"momentum": 1.0}, {"renorm": True}, {})
    )
    dense = keras.layers.Dense(3)
    classifier = keras.Sequential([keras.Input((4,)), plain, frozen, renorm, dense])
    model = VATModel(classifier)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(rows.x, rows.y, verbose=0, epochs=2)
    np.testing.assert_allclose(plain.moving_variance, rows.x.var(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(frozen.moving_variance, np.ones(4))
    np.testing.assert_allclose(renorm.moving_variance, np.ones(4), rtol=0.1)  # from its start


def test_estimates_over_other_rows_are_the_last_word(make_model, rows):
    """`BatchNormReestimation` at the end of a training measures over what it was given."""
    model = make_model()
    anew = callbacks.BatchNormReestimation(rows.unlabeled, steps=1, batch_size=20)
    model.fit(Batches(rows), verbose=0, shuffle=False, callbacks=[anew])
    dense, batch_norm = model.classifier.layers[:2]
    expected, _ = statistics(dense.get_weights(), rows.unlabeled)
    np.testing.assert_allclose(batch_norm.moving_mean, expected, rtol=1e-4, atol=1e-6)


def test_a_list_of_callbacks_in_keras_s_own_class(make_model, rows):
    model, seen = make_model(), Seen()
    given = keras.callbacks.CallbackList([seen], add_history=True, model=model)
    model.fit(Batches(rows), verbose=0, shuffle=False, callbacks=given)
    found, weights = seen.found["epoch's end"]
    np.testing.assert_allclose(found, measured(weights, Batches(rows), LATER), rtol=1e-4, atol=1e-6)
    assert given.callbacks[0] is seen and not any("Vali" in repr(one) for one in given.callbacks)


def test_weights_that_blow_up_leave_averages_of_past_steps(make_model, rows):
    """Statistics that are not finite are not taken over."""
    model = make_model()

    class Spoil(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == STEPS - 1:
                self.model.classifier.layers[0].bias.assign(np.full((6,), np.nan))

    if keras.backend.backend() != "tensorflow":
        pytest.skip("weights can't be assigned in the middle of an epoch")
    model.fit(Batches(rows), verbose=0, shuffle=False, callbacks=[Spoil()])
    assert np.all(np.isfinite(model.classifier.layers[1].moving_mean))
