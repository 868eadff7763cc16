"""A penalty that is not finite never reaches the weights, and never silently."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vat import VATModel, regularizers


class Broken(regularizers.Regularizer):
    """NaN on a batch whose first number is above 100, though the classifier is fine there."""

    registered_name = "broken"

    def per_example(self, forward, x, y):
        logits = forward.clean(x).logits
        poison = ops.where(x[0, 0] > 100.0, float("nan"), 1.0)
        return ops.mean(logits**2, axis=-1) * ops.cast(poison, logits.dtype)


def batches(rows, poisoned):
    """Four batches of three rows, some of them poisoned."""
    x = rows.x.copy()
    for batch in poisoned:
        x[3 * batch, 0] = 200.0
    return x, rows.y


class Watch(keras.callbacks.Callback):
    """The weights after every batch."""

    def on_train_begin(self, logs=None):
        self.seen = [self.model.classifier.get_weights()]

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.model.classifier.get_weights())

    def moved(self):
        return [
            any(np.any(a != b) for a, b in zip(before, after, strict=True))
            for before, after in zip(self.seen, self.seen[1:], strict=False)
        ]


def fit(model, x, y, **arguments):
    return model.fit(x, y, batch_size=3, shuffle=False, verbose=0, **arguments).history


MODES = [
    {"run_eagerly": True},
    {"run_eagerly": False},
    {"jit_compile": True},
]
modes = pytest.mark.parametrize("settings", MODES, ids=["eager", "graph", "xla"])


@modes
def test_fit_stops_and_names_the_regularizer(make_vat_model, rows, settings):
    methods = [regularizers.EntropyMinimization(), Broken(name="shaky")]
    model = make_vat_model(methods, optimizer=keras.optimizers.SGD(0.1, momentum=0.9), **settings)
    watch = Watch()
    with pytest.raises(
        FloatingPointError, match=r"regularizer 'shaky' is not finite.*Received: shaky=nan"
    ):
        fit(model, *batches(rows, poisoned=[1]), callbacks=[watch])
    # One step before the bad one; the bad one left the weights as they were.
    # On JAX the next one is under way before the answer is looked at; it changes nothing.
    assert watch.moved() in ([True], [True, False])
    for weight, before in zip(model.classifier.get_weights(), watch.seen[-1], strict=True):
        np.testing.assert_array_equal(weight, before)
    assert int(model.optimizer.iterations) == 1


@pytest.mark.parametrize("poisoned", [0, 1])
def test_fit_stops_within_several_steps_per_execution(make_vat_model, rows, poisoned):
    model = make_vat_model(Broken(), steps_per_execution=2)
    with pytest.raises(FloatingPointError, match="regularizer 'broken' is not finite"):
        fit(model, *batches(rows, poisoned=[poisoned]))
    assert int(model.optimizer.iterations) == poisoned  # steps before it, and none after
    assert np.all(np.isfinite(model.classifier.get_weights()[0]))


def test_train_on_batch_raises(make_vat_model, rows):
    model = make_vat_model(Broken())
    before = model.classifier.get_weights()
    with pytest.raises(FloatingPointError, match="broken"):
        model.train_on_batch(*batches(rows, poisoned=[0]))
    np.testing.assert_array_equal(model.classifier.get_weights()[0], before[0])


def test_training_goes_on_after_the_error(make_vat_model, rows):
    model = make_vat_model(Broken())
    with pytest.raises(FloatingPointError):
        model.train_on_batch(*batches(rows, poisoned=[0]))
    assert np.isfinite(model.train_on_batch(rows.x, rows.y, return_dict=True)["broken"])
    assert np.isfinite(fit(model, rows.x, rows.y)["broken"][0])


@modes
def test_skip_leaves_the_weights_and_counts(make_vat_model, rows, settings):
    model = make_vat_model(
        [Broken(), regularizers.EntropyMinimization()],
        model_settings={"nonfinite_penalty": "skip"},
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        **settings,
    )
    watch = Watch()
    x, y = batches(rows, poisoned=[1, 3])
    history = fit(model, x, y, epochs=2, callbacks=[watch])
    assert watch.moved()[-4:] == [True, False, True, False]
    assert history["skipped_steps"] == [2.0, 2.0]
    assert all(np.all(np.isfinite(values)) for values in history.values())


def test_skipped_steps_do_not_enter_the_means(make_vat_model, rows):
    still = keras.optimizers.SGD(0.0)
    x, y = batches(rows, poisoned=[1])
    model = make_vat_model(Broken(), None, {"nonfinite_penalty": "skip"}, optimizer=still)
    history = fit(model, x, y)
    keep = np.r_[0:3, 6:12]
    penalty = model.regularizers[0].penalty(model.classifier, x[keep], y[keep])
    supervised = model.loss(y[keep], model.classifier(x[keep]))
    np.testing.assert_allclose(history["broken"], [penalty], rtol=1e-5)
    np.testing.assert_allclose(history["supervised_loss"], [supervised], rtol=1e-5)
    np.testing.assert_allclose(history["loss"], [penalty + supervised], rtol=1e-5)


def test_no_steps_are_skipped_in_a_healthy_run(make_vat_model, rows):
    model = make_vat_model(Broken(), None, {"nonfinite_penalty": "skip"})
    assert fit(model, rows.x, rows.y)["skipped_steps"] == [0.0]
    assert "skipped_steps" not in model.evaluate(rows.x, rows.y, verbose=0, return_dict=True)


def test_a_weight_of_zero_is_no_excuse(make_vat_model, rows):
    """0 * NaN is NaN: the weights would be lost without the check."""
    model = make_vat_model(Broken(weight=0.0))
    with pytest.raises(FloatingPointError, match="broken"):
        fit(model, *batches(rows, poisoned=[0]))
    assert np.all(np.isfinite(model.classifier.get_weights()[0]))


def test_unknown_choice(make_classifier):
    with pytest.raises(ValueError, match=r"`nonfinite_penalty` must be one of .*'ignore'"):
        VATModel(make_classifier(), nonfinite_penalty="ignore")
