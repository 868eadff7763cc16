"""What `compile` may be told, with penalties at work; and one noise for all passes of a step."""

import keras
import numpy as np
import pytest
from golden.weight_gradients import weight_gradients

from keras_vat import SemiSupervisedInputs, regularizers


def vat(**arguments):
    return regularizers.VirtualAdversarialTraining(**{"epsilon": 0.5, "seed": 1, **arguments})


def fit(model, rows, **arguments):
    arguments = {"batch_size": 4, "shuffle": False, "verbose": 0, **arguments}
    return model.fit(rows.x, rows.y, **arguments).history


def assert_close(model, expected):
    for actual, value in zip(model.trainable_variables, expected.trainable_variables, strict=True):
        np.testing.assert_allclose(actual.value, value.value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [{"run_eagerly": True}, {"steps_per_execution": 2}, {"steps_per_execution": 5}],
    ids=["eager", "two_steps", "more_steps_than_batches"],
)
def test_ways_to_run_give_one_result(make_vat_model, make_classifier, rows, settings):
    models = [
        make_vat_model([vat(), regularizers.AdversarialTraining(0.1)], make_classifier(), **more)
        for more in ({}, settings)
    ]
    expected, actual = (fit(model, rows) for model in models)
    for name, values in expected.items():
        np.testing.assert_allclose(actual[name], values, rtol=1e-4)
    assert_close(models[1], models[0])


def test_jit_compiled_steps(make_vat_model, rows):
    # Methods without noise: XLA draws other noise from the same seed.
    methods = [regularizers.AdversarialTraining(0.1), regularizers.EntropyMinimization()]
    models = [make_vat_model(methods, jit_compile=jit) for jit in (False, True)]
    expected, actual = (fit(model, rows, batch_size=6) for model in models)
    for name, values in expected.items():
        np.testing.assert_allclose(actual[name], values, rtol=1e-4)
    assert_close(models[1], models[0])


def test_gradient_accumulation_sums_the_penalties_too(make_vat_model, rows):
    """Two steps of half a batch move the weights as one step of the whole."""
    methods = [regularizers.AdversarialTraining(0.1), regularizers.EntropyMinimization()]
    whole = make_vat_model(methods, optimizer=keras.optimizers.SGD(0.1))
    halves = make_vat_model(
        methods, optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    )
    fit(whole, rows, batch_size=12)
    fit(halves, rows, batch_size=6)
    assert_close(halves, whole)


def test_float16_gradients_are_scaled_and_unscaled(make_vat_model, make_classifier, rows):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        classifier = make_classifier()
    finally:
        keras.config.set_dtype_policy("float32")
    model = make_vat_model(vat(weight=2.0), classifier)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    single = make_vat_model(vat(weight=2.0))
    logs, expected = fit(model, rows), fit(single, rows)
    np.testing.assert_allclose(logs["loss"], expected["loss"], rtol=0.02)
    for a, b in zip(model.trainable_variables, single.trainable_variables, strict=True):
        np.testing.assert_allclose(a.value, b.value, atol=0.01)


def test_float16_overflow_is_skipped_by_the_loss_scale(make_vat_model, make_classifier, rows):
    classifier = make_classifier(dtype="mixed_float16")
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=1e9)
    model = make_vat_model(vat(), classifier, optimizer=optimizer)
    before = classifier.get_weights()
    model.train_on_batch(rows.x, rows.y)
    np.testing.assert_array_equal(classifier.get_weights()[0], before[0])
    assert float(model.optimizer.dynamic_scale) == 5e8


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_resembles_single(make_vat_model, make_classifier, rows, policy):
    half = fit(make_vat_model(vat(), make_classifier(dtype=policy)), rows)
    single = fit(make_vat_model(vat()), rows)
    assert half["vat"] == pytest.approx(single["vat"], rel=0.1)
    assert half["supervised_loss"] == pytest.approx(single["supervised_loss"], rel=0.02)


def test_penalties_move_the_weights_by_their_gradient(make_vat_model, rows):
    """One SGD step is that of the total, weights of the terms included."""
    methods = [
        regularizers.AdversarialTraining(0.1, weight=2.0),
        regularizers.EntropyMinimization(),
    ]
    model = make_vat_model(methods, optimizer=keras.optimizers.SGD(0.5))

    def total():
        loss = model.loss(rows.y, model.classifier(rows.x))
        loss += 2.0 * methods[0].penalty(model.classifier, rows.x, rows.y)
        return loss + methods[1].penalty(model.classifier, rows.x)

    weights = model.trainable_weights
    _, gradients = weight_gradients(total, weights)
    expected = [w.value - 0.5 * g for w, g in zip(weights, gradients, strict=True)]
    model.train_on_batch(rows.x, rows.y)
    for weight, value in zip(weights, expected, strict=True):
        np.testing.assert_allclose(weight.value, value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("semi_supervised", [False, True])
def test_without_a_perturbation_the_divergence_is_zero_under_dropout(
    make_vat_model, make_classifier, rows, run_eagerly, semi_supervised
):
    """All passes of a step share their dropout masks and batch statistics."""
    method = vat()
    classifier = make_classifier(dropout=0.5, batch_norm=True)
    model = make_vat_model(method, classifier, run_eagerly=run_eagerly)
    method.epsilon = 0.0
    x = SemiSupervisedInputs(rows.x, rows.unlabeled) if semi_supervised else rows.x
    for _ in range(2):
        assert model.train_on_batch(x, rows.y, return_dict=True)["vat"] == 0.0


def test_dropout_masks_differ_from_step_to_step(make_vat_model, make_classifier, rows):
    model = make_vat_model(
        regularizers.EntropyMinimization(),
        make_classifier(dropout=0.5),
        optimizer=keras.optimizers.SGD(0.0),
    )
    values = {model.train_on_batch(rows.x, rows.y, return_dict=True)["entropy"] for _ in range(3)}
    assert len(values) == 3


@pytest.mark.parametrize(
    "policy, moves", [("auto", True), ("batch", False), ("moving", False), ("update", True)]
)
def test_which_batches_move_the_averages(make_vat_model, make_classifier, rows, policy, moves):
    """Labelled rows always do, unlabelled ones only where the policy says so."""
    averages = []
    for shift in (0.0, 10.0):
        classifier = make_classifier(batch_norm=True)
        model = make_vat_model(vat(weight=0.0), classifier, {"batch_statistics": policy})
        before = np.array(classifier.layers[1].moving_mean)
        model.train_on_batch(SemiSupervisedInputs(rows.x, rows.unlabeled + shift), rows.y)
        averages.append(np.array(classifier.layers[1].moving_mean))
        assert np.any(averages[-1] != before)
        assert all(layer.trainable for layer in classifier.layers)
    assert np.any(averages[0] != averages[1]) == moves


def test_recompiling_takes_effect(make_vat_model, rows):
    model = make_vat_model(vat())
    fit(model, rows)
    model.compile("sgd", model.loss, metrics=["accuracy"], jit_compile=False)
    assert set(fit(model, rows)) == {"loss", "supervised_loss", "vat", "accuracy"}


def test_an_epsilon_assigned_between_batches_takes_effect(make_vat_model, rows):
    method = regularizers.RandomPerturbationTraining(epsilon=1e-2, seed=0)
    model = make_vat_model(method, optimizer=keras.optimizers.SGD(0.0))
    small = fit(model, rows)["rpt"][0]
    method.epsilon = 2e-2
    assert 2 < fit(model, rows)["rpt"][0] / small < 8


def test_export_is_the_classifiers(tf, make_vat_model, rows, tmp_path):
    model = make_vat_model([])
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    served = exported.serve(rows.x)
    np.testing.assert_allclose(served, model.classifier(rows.x), rtol=1e-5)


class CountsTraces(regularizers.Regularizer):
    """Counts how often a step is traced."""

    registered_name = "counts_traces"
    traces = 0

    def per_example(self, forward, x, y):
        self.traces += 1
        return keras.ops.ones_like(x[:, 0])


@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize("how", ["fit", "train_on_batch"])
def test_the_first_step_is_traced_once(make_vat_model, rows, how):
    counter = CountsTraces()
    model = make_vat_model(counter, optimizer="adam", metrics=["accuracy"])
    for _ in range(2):
        getattr(model, how)(rows.x, rows.y)
    assert counter.traces == 1
