import keras
import numpy as np
import pytest

from keras_vat.autodiff import sync_variables
from keras_vat.callbacks import AlphaWarmup, EpsilonWarmup, LambdaWarmup, Warmup


class Values(keras.callbacks.Callback):
    """Keeps the value that each batch was trained with."""

    def __init__(self, variable):
        super().__init__()
        self.variable = variable
        self.values = []

    def on_train_batch_end(self, batch, logs=None):
        sync_variables(self.model)
        self.values.append(float(self.variable))


def test_linear_epochs_reach_the_end_and_stay(make_model, numbers, x):
    vat = numbers("vat", weight=5.0)
    model = make_model([vat])
    warmup = AlphaWarmup(start=0.2, end=1.0, epochs=4)
    history = model.fit(x, x[:, 0], epochs=6, verbose=0, callbacks=[warmup]).history
    expected = [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    np.testing.assert_allclose(history["vat_weight"], expected, rtol=1e-6)
    # The compiled step itself saw them: the stand-in's loss is the weight.
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-6)


def test_default_is_ten_epochs_from_zero_to_one(make_model, numbers, x):
    model = make_model([numbers("fat", weight=1.0, bad_sample_weight=7.0)])
    history = model.fit(x, x[:, 0], epochs=12, verbose=0, callbacks=[LambdaWarmup()]).history
    expected = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0]
    np.testing.assert_allclose(history["fat_bad_sample_weight"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("linear", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("sigmoid", np.exp([-5.0, -5 * 0.75**2, -5 * 0.25, -5 * 0.25**2, 0.0])),
        ("cosine", [0.0, 0.5 - 0.125**0.5, 0.5, 0.5 + 0.125**0.5, 1.0]),
    ],
)
def test_shapes(shape, expected):
    warmup = EpsilonWarmup(start=1.0, end=3.0, epochs=4, shape=shape)
    values = [warmup.value_at(epoch) for epoch in range(5)]
    np.testing.assert_allclose(values, 1.0 + 2.0 * np.asarray(expected), rtol=1e-12)
    assert warmup.value_at(4) == warmup.value_at(400) == 3.0


def test_down_as_well_as_up():
    warmup = AlphaWarmup(start=1.0, end=0.5, epochs=2)
    assert [warmup.value_at(epoch) for epoch in range(4)] == [1.0, 0.75, 0.5, 0.5]


def test_schedule_by_epoch(make_model, numbers, x):
    model = make_model([numbers("vat", weight=1.0, epsilon=1.0)])
    schedule = keras.optimizers.schedules.ExponentialDecay(8.0, decay_steps=1, decay_rate=0.5)
    warmup = EpsilonWarmup(shape=schedule)
    history = model.fit(x, x[:, 0], epochs=3, verbose=0, callbacks=[warmup]).history
    np.testing.assert_allclose(history["vat_epsilon"], [8.0, 4.0, 2.0])


def test_schedule_by_step(make_model, numbers, x):
    vat = numbers("vat", weight=1.0)
    model = make_model([vat])
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0, 2], [1.0, 2.0, 3.0])
    seen = Values(vat.weight)
    warmup = AlphaWarmup(shape=schedule, steps=1)
    model.fit(x, x[:, 0], batch_size=2, verbose=0, callbacks=[warmup, seen])
    assert seen.values == [1.0, 2.0, 2.0, 3.0]


def test_steps_move_each_batch_and_stay_at_the_end(make_model, numbers, x):
    vat = numbers("vat", weight=1.0)
    model = make_model([vat])
    seen = Values(vat.weight)
    warmup = AlphaWarmup(steps=4)
    model.fit(x, x[:, 0], batch_size=2, epochs=2, verbose=0, callbacks=[warmup, seen])
    assert seen.values == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0]


def test_steps_move_once_per_call(make_model, numbers, x):
    vat = numbers("vat", weight=1.0)
    model = make_model([vat], steps_per_execution=2)
    seen = Values(vat.weight)
    model.fit(x, x[:, 0], batch_size=2, verbose=0, callbacks=[AlphaWarmup(steps=4), seen])
    assert seen.values == [0.0, 0.5]


def test_steps_count_updates_under_gradient_accumulation(make_model, numbers, x):
    vat = numbers("vat", weight=1.0)
    optimizer = keras.optimizers.SGD(gradient_accumulation_steps=2)
    model = make_model([vat], optimizer=optimizer)
    seen = Values(vat.weight)
    model.fit(x, x[:, 0], batch_size=2, verbose=0, callbacks=[AlphaWarmup(steps=2), seen])
    assert seen.values == [0.0, 0.0, 0.5, 0.5]


def test_distributed_variables(tf, make_model, numbers, x):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = make_model([numbers("vat", weight=1.0, epsilon=1.0)])
    callbacks = [AlphaWarmup(steps=4), EpsilonWarmup(epochs=2)]
    history = model.fit(x, x[:, 0], batch_size=2, epochs=2, verbose=0, callbacks=callbacks).history
    np.testing.assert_allclose(history["vat_weight"], [0.75, 1.0])
    np.testing.assert_allclose(history["vat_epsilon"], [0.0, 0.5])


def test_a_resumed_run_goes_on(make_model, numbers, x):
    vat = numbers("vat", weight=1.0, epsilon=1.0)
    model = make_model([vat])
    model.fit(x, x[:, 0], epochs=2, batch_size=2, verbose=0)
    seen = Values(vat.weight)
    by_step, by_epoch = AlphaWarmup(steps=16), EpsilonWarmup(epochs=4)
    history = model.fit(
        x,
        x[:, 0],
        initial_epoch=2,
        epochs=3,
        batch_size=2,
        verbose=0,
        callbacks=[by_step, by_epoch, seen],
    ).history
    assert history["vat_epsilon"] == [0.5]
    assert seen.values == [8 / 16, 9 / 16, 10 / 16, 11 / 16]


def test_a_warmup_can_be_used_again(make_model, numbers, x):
    first, second = numbers("vat", weight=1.0), numbers("vat", weight=1.0)
    warmup = AlphaWarmup(steps=2)
    make_model([first]).fit(x, x[:, 0], batch_size=2, verbose=0, callbacks=[warmup])
    seen = Values(second.weight)
    make_model([second]).fit(x, x[:, 0], batch_size=2, verbose=0, callbacks=[warmup, seen])
    assert seen.values == [0.0, 0.5, 1.0, 1.0]


def test_finds_by_name_by_object_and_the_only_one(make_model, numbers, x):
    entropy = numbers("entropy", weight=9.0)
    vat = numbers("vat", weight=9.0, epsilon=9.0)
    model = make_model([entropy, vat])
    callbacks = [
        AlphaWarmup(start=0.1, regularizer="entropy"),
        AlphaWarmup(start=0.2, regularizer=vat),
        EpsilonWarmup(start=0.3),
    ]
    history = model.fit(x, x[:, 0], verbose=0, callbacks=callbacks).history
    logged = [history[name][0] for name in ("entropy_weight", "vat_weight", "vat_epsilon")]
    np.testing.assert_allclose(logged, [0.1, 0.2, 0.3], rtol=1e-6)


@pytest.mark.parametrize(
    ("warmup", "message"),
    [
        (AlphaWarmup(), r"these are \['entropy', 'vat'\].*Received: regularizer=None"),
        (AlphaWarmup(regularizer="at"), r"Received: regularizer='at'"),
        (EpsilonWarmup(regularizer="entropy"), r"these are \['vat'\], of \['entropy', 'vat'\]"),
        (
            LambdaWarmup(),
            "must hold one that has a bad_sample_weight; add FastAdversarialTraining. Received: "
            r"regularizers=\['entropy', 'vat'\]",
        ),
    ],
)
def test_refuses_when_the_regularizer_can_not_be_told(make_model, numbers, x, warmup, message):
    model = make_model([numbers("entropy", weight=1.0), numbers("vat", weight=1.0, epsilon=1.0)])
    with pytest.raises(ValueError, match=message):
        model.fit(x, x[:, 0], verbose=0, callbacks=[warmup])


def test_refuses_the_object_of_another_model(make_model, numbers, x):
    stranger = numbers("vat", weight=1.0)
    model = make_model([numbers("vat", weight=1.0)])
    with pytest.raises(ValueError, match="Received: regularizer='vat'"):
        model.fit(x, x[:, 0], verbose=0, callbacks=[AlphaWarmup(regularizer=stranger)])


def test_refuses_a_model_without_regularizers(x):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="needs a model with `regularizers`"):
        model.fit(x, x[:, 0], verbose=0, callbacks=[AlphaWarmup()])


@pytest.mark.parametrize("cls", [AlphaWarmup, LambdaWarmup, EpsilonWarmup])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"start": -0.1}, ValueError, "`start` must be .* Received: start=-0.1"),
        ({"end": float("inf")}, ValueError, "`end` must be .* Received: end=inf"),
        ({"epochs": 0}, ValueError, "`epochs` must be at least 1. Received: epochs=0"),
        ({"steps": 0}, ValueError, "`steps` must be at least 1. Received: steps=0"),
        ({"epochs": 2.5}, TypeError, "`epochs` must be an integer. Received: epochs=2.5"),
        ({"shape": "square"}, ValueError, "`shape` must be one of 'linear'.*shape='square'"),
        # The default's own number, when it is given, is given.
        ({"epochs": 10, "steps": 5}, ValueError, "Only one of `epochs` and `steps`"),
    ],
)
def test_refuses_wrong_arguments(cls, arguments, error, message):
    with pytest.raises(error, match=message):
        cls(**arguments)


def test_the_base_moves_nothing():
    with pytest.raises(TypeError, match="does not say which number it moves"):
        Warmup()
