import keras
import numpy as np
import pytest
from golden.compiled import compiled
from keras import ops

from keras_vat.optimizers import ConstantThenLinearDecay

XLA = pytest.param({"jit_compile": True}, marks=pytest.mark.backend("tensorflow"))


def test_is_constant_then_falls_linearly_to_zero_and_stays_there():
    schedule = ConstantThenLinearDecay(0.1, total_steps=100, decay_steps=40)
    steps = np.arange(130)
    expected = np.interp(steps, [0, 60, 100, 130], [0.1, 0.1, 0.0, 0.0])
    np.testing.assert_allclose([float(schedule(t)) for t in steps], expected, atol=1e-8)


def test_the_rate_before_the_decay_is_exact():
    schedule = ConstantThenLinearDecay(0.002, total_steps=100_000, decay_steps=50_000)
    assert np.asarray(schedule(49_999)) == np.float32(0.002)


def test_steps_far_beyond_float32_are_told_apart():
    schedule = ConstantThenLinearDecay(1.0, total_steps=2**30, decay_steps=4)
    rates = [float(schedule(np.int64(2**30 - k))) for k in range(5)]
    assert rates == [0.0, 0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("options", [{}, XLA])
def test_follows_the_step_inside_a_compiled_function(options):
    schedule = ConstantThenLinearDecay(1.0, total_steps=10, decay_steps=10)
    rate = compiled(schedule, **options)(ops.convert_to_tensor(3))
    assert float(rate) == pytest.approx(0.7)


def test_config_gives_an_equal_schedule():
    schedules = keras.optimizers.schedules
    schedule = ConstantThenLinearDecay(0.1, 100, 40)
    copy = schedules.deserialize(schedules.serialize(schedule))
    assert isinstance(copy, ConstantThenLinearDecay)
    assert copy.get_config() == schedule.get_config()
    assert copy.get_config() == {
        "initial_learning_rate": 0.1,
        "total_steps": 100,
        "decay_steps": 40,
    }


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.0, 10, 5), ValueError, "`initial_learning_rate` must be .* Received"),
        ((0.1, 0, 5), ValueError, "`total_steps` must be .* Received: total_steps=0"),
        ((0.1, 10, 0), ValueError, "`decay_steps` must be .* Received: decay_steps=0"),
        ((0.1, 10, 11), ValueError, "at most `total_steps`. Received: decay_steps=11, total_st"),
        ((0.1, 10.5, 5), TypeError, "`total_steps` must be an integer"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ConstantThenLinearDecay(*arguments)
