import keras
import numpy as np
import pytest
from golden.compiled import compiled
from keras import ops

from keras_vat.optimizers import BetaSwitchAdam, ConstantThenLinearDecay

XLA = pytest.param({"jit_compile": True}, marks=pytest.mark.backend("tensorflow"))
GRADIENTS = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
START = np.linspace(-1.0, 1.0, 5).astype("float32")


def run(optimizer, gradients=GRADIENTS, **function_options):
    """The variable after each update, made by one traced function."""
    variable = keras.Variable(START)
    optimizer.build([variable])
    # JAX's functions assign nothing: they get the variables, and return them.
    on_jax = keras.backend.backend() == "jax"
    state = ([variable.value], [v.value for v in optimizer.variables]) if on_jax else ()
    traces, values = [], []

    def update(gradient, *state):
        traces.append(1)
        if on_jax:
            return optimizer.stateless_apply(state[1], [gradient], state[0])
        optimizer.apply([gradient], [variable])
        return ()

    function = compiled(update, **function_options)
    for gradient in gradients:
        state = function(ops.convert_to_tensor(gradient), *state)
        values.append(np.array(state[0][0] if on_jax else variable))
    assert len(traces) == 1
    return np.stack(values)


def numpy_adam(rates, betas, gradients=GRADIENTS, beta_2=0.999, epsilon=1e-7):
    """Adam in float64, with a rate and a beta_1 for each update, written from the paper."""
    theta, m, v, product = START.astype("float64"), 0.0, 0.0, 1.0
    values = []
    for t, (g, rate, beta) in enumerate(zip(gradients, rates, betas, strict=True), start=1):
        m, v = beta * m + (1 - beta) * g, beta_2 * v + (1 - beta_2) * g.astype("float64") ** 2
        product *= beta
        alpha = rate * np.sqrt(1 - beta_2**t)
        theta = theta - alpha * m / (1 - product) / (np.sqrt(v) + epsilon)
        values.append(theta)
    return np.stack(values)


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("switch_step", [None, 12])
def test_before_the_switch_it_is_keras_adam_bit_for_bit(switch_step, amsgrad):
    options = {"learning_rate": 0.1, "amsgrad": amsgrad}
    ours = run(BetaSwitchAdam(switch_step=switch_step, **options))
    np.testing.assert_array_equal(ours, run(keras.optimizers.Adam(**options)))


@pytest.mark.parametrize("switch_step", [0, 1, 5, 12])
@pytest.mark.parametrize("options", [{}, XLA])
def test_follows_a_float64_adam_across_the_switch(switch_step, options):
    ours = run(BetaSwitchAdam(0.1, switch_step=switch_step), **options)
    betas = [0.9] * switch_step + [0.5] * (12 - switch_step)
    np.testing.assert_allclose(ours, numpy_adam([0.1] * 12, betas), rtol=1e-4, atol=1e-5)


def test_the_switch_changes_the_first_update_after_it_and_none_before():
    switched, plain = run(BetaSwitchAdam(0.1, switch_step=5)), run(keras.optimizers.Adam(0.1))
    np.testing.assert_array_equal(switched[:5], plain[:5])
    assert (np.abs(switched[5] - plain[5]) > 1e-4).all()


def test_works_with_a_schedule_and_other_betas():
    schedule = ConstantThenLinearDecay(0.1, total_steps=12, decay_steps=6)
    ours = run(BetaSwitchAdam(schedule, beta_1=0.8, decay_beta_1=0.2, switch_step=6, beta_2=0.9))
    rates = [0.1 * min(1.0, (12 - t) / 6) for t in range(12)]
    expected = numpy_adam(rates, [0.8] * 6 + [0.2] * 6, beta_2=0.9)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_switches_by_updates_when_gradients_are_accumulated():
    repeated = np.repeat(GRADIENTS, 2, axis=0)
    ours = run(BetaSwitchAdam(0.1, switch_step=5, gradient_accumulation_steps=2), repeated)
    expected = numpy_adam([0.1] * 12, [0.9] * 5 + [0.5] * 7)
    np.testing.assert_allclose(ours[1::2], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_switches_inside_a_compiled_fit(jit_compile):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign(START[:, None])
    # The gradient of this loss is the mean of the inputs: one row of GRADIENTS per update.
    model.compile(
        BetaSwitchAdam(0.1, switch_step=4),
        loss=lambda y, y_pred: y_pred,
        jit_compile=jit_compile,
        steps_per_execution=3,
    )
    model.fit(GRADIENTS, np.zeros((12, 1)), batch_size=1, shuffle=False, verbose=0)
    expected = numpy_adam([0.1] * 12, [0.9] * 4 + [0.5] * 8)[-1]
    np.testing.assert_allclose(model.layers[0].kernel.numpy()[:, 0], expected, rtol=1e-4, atol=1e-5)


# Keras 3.15 converts variables on saving in a way that NumPy 2 calls outdated.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_saved_run_goes_on_where_it_stopped(tmp_path):
    def fit(model, rows):
        model.fit(rows, np.zeros((len(rows), 1)), batch_size=1, shuffle=False, verbose=0)
        return model

    def fresh():
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, use_bias=False)])
        model.layers[0].kernel.assign(START[:, None])
        model.compile(BetaSwitchAdam(0.1, switch_step=4), loss="mse")
        return model

    fit(fresh(), GRADIENTS[:6]).save(tmp_path / "m.keras")
    resumed = fit(keras.saving.load_model(tmp_path / "m.keras"), GRADIENTS[6:])
    expected = fit(fresh(), GRADIENTS).layers[0].kernel.numpy()
    np.testing.assert_allclose(resumed.layers[0].kernel.numpy(), expected, rtol=1e-5)


def test_config_holds_plain_numbers_and_gives_an_equal_optimizer():
    optimizer = BetaSwitchAdam(0.01, beta_1=0.8, decay_beta_1=0.4, switch_step=7, epsilon=1e-6)
    config = optimizer.get_config()
    assert (config["beta_1"], config["decay_beta_1"], config["switch_step"]) == (0.8, 0.4, 7)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, BetaSwitchAdam)
    assert copy.get_config() == config


def test_config_keeps_a_schedule():
    optimizer = BetaSwitchAdam(ConstantThenLinearDecay(0.1, 10, 5), switch_step=5)
    copy = BetaSwitchAdam.from_config(optimizer.get_config())
    np.testing.assert_array_equal(run(copy), run(optimizer))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"beta_1": 1.0}, ValueError, "`beta_1` must be below 1. Received: beta_1=1.0"),
        ({"decay_beta_1": -0.1}, ValueError, "`decay_beta_1` must be .* Received"),
        ({"switch_step": -1}, ValueError, "`switch_step` must be at least 0. Received"),
        ({"switch_step": 1.5}, TypeError, "`switch_step` must be an integer"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        BetaSwitchAdam(**arguments)
