"""All passes of a step begin in one state; the labelled pass alone moves it."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_vat import VATModel, regularizers

X = np.random.default_rng(0).normal(size=(8, 6, 4)).astype("float32")
Y = np.arange(8) % 3
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def stateful_classifier():
    keras.utils.set_random_seed(0)
    inputs = keras.Input(batch_shape=(8, 6, 4))
    rnn = layers.GRU(4, stateful=True, return_sequences=True, name="rnn")
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(rnn(inputs))))


class Noisy(layers.Layer):
    """Noise without a seed of its own."""

    def call(self, x, training=False):
        return keras.random.dropout(x, 0.3) if training else x


def compiled(classifier, regularizer=None, rate=0.0, **settings):
    model = VATModel(classifier, [regularizer] if regularizer else [], **settings)
    model.compile(keras.optimizers.SGD(rate), LOGITS, metrics=["accuracy"], jit_compile=False)
    return model


def state(classifier):
    return np.array(classifier.get_layer("rnn").states[0])


def test_a_stateful_layer_begins_all_passes_in_one_state():
    model = compiled(stateful_classifier(), regularizers.RandomPerturbationTraining(1e-6, seed=1))
    assert abs(model.train_on_batch(X, Y, return_dict=True)["rpt"]) < 1e-6


@pytest.mark.backend("tensorflow")
def test_its_state_moves_as_in_plain_keras():
    """On JAX Keras's own training leaves it where it is."""
    plain = stateful_classifier()
    plain.compile(keras.optimizers.SGD(0.1), LOGITS)
    model = compiled(
        stateful_classifier(), regularizers.VirtualAdversarialTraining(1.0, weight=0.0), rate=0.1
    )
    for _ in range(2):
        plain.train_on_batch(X, Y)
        model.train_on_batch(X, Y)
    np.testing.assert_allclose(state(model.classifier), state(plain), rtol=1e-5, atol=1e-7)
    assert np.any(state(plain) != 0)


@pytest.mark.backend("tensorflow")
def test_a_skipped_step_restores_it():
    model = compiled(stateful_classifier(), nonfinite_penalty="skip")
    model.train_on_batch(X, Y)
    before = state(model.classifier)
    model.train_on_batch(np.full_like(X, np.nan), Y)
    np.testing.assert_array_equal(state(model.classifier), before)


@pytest.mark.backend("tensorflow")
def test_noise_without_a_seed_is_the_same_in_all_passes():
    """On JAX Keras refuses such noise in a compiled step."""
    stack = [Noisy(), layers.Dense(8, "relu"), layers.Dense(3)]
    classifier = keras.Sequential([keras.Input((6, 4)), layers.Flatten(), *stack])
    model = compiled(classifier, regularizers.RandomPerturbationTraining(1e-6, seed=1))
    losses = []
    for _ in range(2):
        logs = model.train_on_batch(X, Y, return_dict=True)
        assert abs(logs["rpt"]) < 1e-6
        losses.append(logs["supervised_loss"])
    assert losses[0] != losses[1]  # other noise in every step


def test_a_skipped_step_leaves_no_trace_in_any_metric():
    stack = [layers.Flatten(), layers.Dense(3)]
    classifier = keras.Sequential([keras.Input((6, 4)), *stack])
    model = VATModel(
        classifier, regularizers.VirtualAdversarialTraining(1.0, seed=1), nonfinite_penalty="skip"
    )
    metrics = [keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="ce"), "accuracy"]
    model.compile(keras.optimizers.SGD(0.0), LOGITS, metrics=metrics, jit_compile=False)
    clean = model.fit(X, Y, batch_size=8, verbose=0).history
    broken = np.concatenate([X, np.full_like(X, np.nan), X])
    history = model.fit(
        broken, np.concatenate([Y] * 3), batch_size=8, verbose=0, shuffle=False
    ).history
    assert history["skipped_steps"] == [1.0]
    for name in ("ce", "accuracy", "loss", "supervised_loss", "vat"):
        if name in ("ce", "accuracy", "supervised_loss"):
            np.testing.assert_allclose(history[name], clean[name], rtol=1e-5)
        assert np.isfinite(history[name]).all()
