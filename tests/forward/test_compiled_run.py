"""Evaluations are compiled once, and see the models as they are at each call."""

import gc
import logging
import threading
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_vat
from keras_vat.evaluation import (
    gradient_noise,
    local_distributional_smoothness,
    perturbation_statistics,
    robustness_curve,
)
from keras_vat.forward.compiled_run import CompiledRun
from keras_vat.perturbations import RandomPerturbation, VirtualAdversarialPerturbation

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = np.arange(24) % 3


class Counted(layers.Layer):
    """Hands on what it gets, and counts how often Python runs it."""

    runs = 0

    def call(self, x):
        self._count()
        return x

    def _count(self):
        type(self).runs += 1


def net():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            Counted(),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dense(3),
        ]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def smoothness(model):
    return local_distributional_smoothness(model, X, epsilon=0.5, seed=1)


def statistics(model):
    made = {"rpt": RandomPerturbation(0.5, seed=0), "vat": VirtualAdversarialPerturbation(0.5)}
    return perturbation_statistics(model, X, made)["rpt"].consistency_cost


def curve(model):
    return robustness_curve({"a": model, "b": model}, X, Y, epsilons=[0.1, 0.5, 1.0]).errors


def statistics_anew(model):
    anew = keras_vat.callbacks.BatchNormReestimation(X, steps=3, batch_size=8)
    anew.set_model(model)
    anew.on_train_end()
    return model.layers[2].moving_mean.numpy()


@pytest.mark.parametrize("evaluate", [smoothness, statistics, curve, statistics_anew])
def test_the_second_call_runs_no_python_and_sees_the_new_weights(evaluate):
    model = net()
    before = evaluate(model)
    for weight in model.trainable_weights:
        weight.assign(1.5 * weight + 0.1)
    runs = Counted.runs
    after = evaluate(model)
    assert Counted.runs == runs
    fresh = net()
    fresh.set_weights(model.get_weights())
    np.testing.assert_allclose(after, evaluate(fresh), rtol=1e-5, atol=1e-7)
    assert not np.allclose(after, before)


def test_a_curve_runs_python_no_more_often_with_more_sizes():
    counts = []
    for sizes in ([0.5], np.linspace(0.1, 1.0, 6)):
        runs = Counted.runs
        robustness_curve({"a": net()}, X, Y, epsilons=sizes)
        counts.append(Counted.runs - runs)
    assert counts[0] == counts[1]


def test_a_curve_of_the_correct_rows_compiles_one_shape():
    y = np.where(np.arange(24) < 3, np.argmax(net()(X), axis=1), Y)
    counts = []
    for rows_of_a_batch in (24, 6):
        model, runs = net(), Counted.runs
        settings = {"correct_only": True, "batch_size": rows_of_a_batch}
        robustness_curve({"a": model}, X, y, epsilons=[0.5], **settings)
        counts.append(Counted.runs - runs)
    assert counts[0] == counts[1]


def test_samples_of_the_gradient_noise_share_what_is_compiled():
    counts = []
    for samples in (2, 6):
        runs = Counted.runs
        gradient_noise(net(), X, epsilon=0.5, num_samples=samples, batch_size=8)
        counts.append(Counted.runs - runs)
    assert counts[0] == counts[1]


def test_a_setting_changed_in_place_is_seen():
    model = net()
    before = smoothness(model)
    model.layers[1].activation = keras.activations.tanh
    after = smoothness(model)
    fresh = net()
    fresh.layers[1].activation = keras.activations.tanh
    np.testing.assert_allclose(after, smoothness(fresh), rtol=1e-5)
    assert not np.allclose(after, before)


def test_settings_that_take_the_place_of_others_in_memory_are_seen():
    model, values = net(), []
    for factor in range(1, 6):
        model.layers[1].activation = None  # frees the one before
        model.layers[1].activation = lambda x, factor=factor: factor * x
        values.append(float(np.mean(smoothness(model))))
    assert len(set(values)) == 5


def test_a_layer_frozen_in_place_keeps_its_averages():
    model = net()
    statistics_anew(model)
    model.layers[2].trainable = False
    model.layers[2].moving_mean.assign(np.full(8, 7.0))
    np.testing.assert_array_equal(statistics_anew(model), np.full(8, 7.0))


def test_variables_of_no_model_are_seen_when_they_move():
    beside = keras.Variable(2.0)

    class Scaled(layers.Layer):
        def __init__(self):
            super().__init__()
            self.get = lambda: beside  # Keras does not find it here

        def call(self, x):
            return x * self.get()

    model = keras.Sequential([keras.Input((4,)), Scaled(), layers.Dense(3)])
    smoothness(model)
    beside.assign(5.0)
    found = smoothness(model)
    kernel, bias = model.get_weights()
    same = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    same.set_weights([5 * kernel, bias])
    np.testing.assert_allclose(found, smoothness(same), rtol=1e-4)


def test_a_class_of_ones_own_is_not_taken_for_the_one_it_derives_from():
    class Doubled(RandomPerturbation):
        def step(self, x, direction, length):
            return super().step(x, direction, 2 * length)

    model = net()
    made = {"one": RandomPerturbation(0.5, seed=0), "two": Doubled(0.5, seed=0)}
    found = perturbation_statistics(model, X, made)
    np.testing.assert_allclose(found["two"].distance, 2 * found["one"].distance, rtol=1e-5)


def test_perturbations_of_other_settings_are_told_apart():
    model = net()
    made = {
        "free": RandomPerturbation(0.5, seed=0),
        "one": RandomPerturbation(0.5, seed=0, scale=[1.0, 0, 0, 0]),
        "other": RandomPerturbation(0.5, seed=0, scale=[0, 2.0, 0, 0]),
    }
    found = perturbation_statistics(model, X, made)
    np.testing.assert_allclose(found["one"].distance, 0.5, rtol=1e-5)
    np.testing.assert_allclose(found["other"].distance, 1.0, rtol=1e-5)


def test_many_models_are_no_reason_to_warn_of_traces():
    logged = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.getMessage())
    logging.getLogger("tensorflow").addHandler(handler)
    for _ in range(7):
        smoothness(net())
    logging.getLogger("tensorflow").removeHandler(handler)
    assert not [message for message in logged if "retracing" in message]


def test_models_are_freed():
    model = net()
    smoothness(model), curve(model), statistics_anew(model)
    gone = weakref.ref(model)
    del model
    keras.utils.clear_session(free_memory=False)
    gc.collect()
    assert gone() is None


def double(model, x):
    return 2.0 * model(x)


def test_run_eagerly_runs_python_at_each_call():
    model = net()
    model.run_eagerly = True
    run = CompiledRun(double, model)
    run(ops.convert_to_tensor(X))
    runs = Counted.runs
    np.testing.assert_allclose(run(ops.convert_to_tensor(X)), 2 * model(X), rtol=1e-5)
    assert Counted.runs == runs + 2


def test_the_model_of_a_callback_can_run_eagerly():
    model = keras_vat.VATModel(net())
    model.compile("sgd", run_eagerly=True)
    anew = keras_vat.callbacks.BatchNormReestimation(X, steps=3, batch_size=8)
    anew.set_model(model)
    runs = Counted.runs
    anew.on_train_end()
    assert Counted.runs == runs + 3


def test_threads_share_what_is_compiled():
    model, found = net(), [None] * 4
    expected = [
        local_distributional_smoothness(net(), X[i:], epsilon=0.5, seed=1) for i in range(4)
    ]

    def work(i):
        found[i] = local_distributional_smoothness(model, X[i:], epsilon=0.5, seed=1)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_a_monitor_runs_python_no_more_often_with_more_epochs():
    counts = []
    for epochs in (1, 4):
        monitor = keras_vat.callbacks.SmoothnessMonitor(X, epsilon=0.5)
        seen = []
        count = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda *_, seen=seen: seen.append(Counted.runs)
        )
        net().fit(
            X, Y, validation_data=(X, Y), epochs=epochs, callbacks=[monitor, count], verbose=0
        )
        counts.append(seen)
    assert counts[1][-1] == counts[1][0]


def test_another_loss_is_seen():
    model = net()

    def moves():
        made = {"at": keras_vat.perturbations.AdversarialPerturbation(0.5)}
        return perturbation_statistics(model, X, made, Y)["at"].consistency_cost

    before = moves()
    model.compile("sgd", lambda y, p: -keras.losses.sparse_categorical_crossentropy(y, p, True))
    after = moves()
    assert not np.allclose(after, before, rtol=1e-3)


def test_layers_are_not_taken_for_changed_by_their_runs():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6, 3), batch_size=4),
            Counted(),
            layers.Normalization(),
            layers.Conv1D(4, 2),
            layers.Dropout(0.5),
            layers.LSTM(4, stateful=True, return_sequences=True),
            layers.Bidirectional(layers.GRU(4, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(4)),
            layers.SpectralNormalization(layers.Dense(4)),
            layers.Lambda(lambda x: 2.0 * x),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    model.compile("sgd", "mse")
    local_distributional_smoothness(model, x, epsilon=0.5, seed=0)
    model.fit(x, np.zeros((4, 3)), batch_size=4, verbose=0)
    model.predict(x, verbose=0)
    runs = Counted.runs
    local_distributional_smoothness(model, x, epsilon=0.5, seed=0)
    assert Counted.runs == runs
