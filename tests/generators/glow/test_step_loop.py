import numpy as np
import pytest
from golden.compiled import compiled
from keras import ops

from keras_vat.autodiff import Linearization, gradient
from keras_vat.generators.glow.step_loop import run_steps

FACTORS = ops.convert_to_tensor([2.0, 3.0, 5.0], "float32")
TERMS = ops.convert_to_tensor([1.0, 10.0, 100.0], "float32")


def step(x, count, weights):
    factor, term = weights
    return x * factor + term, count + 1


@pytest.mark.parametrize("wrap", [lambda run: run, compiled], ids=["eager", "compiled"])
@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_steps_in_either_order(wrap, unroll, reverse):
    def run(x):
        stacks = [FACTORS, TERMS]
        linear = Linearization(
            lambda x: run_steps(step, (*x, ops.zeros(())), stacks, reverse, unroll), [x]
        )
        return linear.value, linear.auxiliary, linear.vjp(ops.ones(2))[0]

    value, count, slope = wrap(run)(ops.convert_to_tensor([0.0, 1.0], "float32"))
    # ((x 2 + 1) 3 + 10) 5 + 100, and ((x 5 + 100) 3 + 10) 2 + 1
    offset = 100 + 5 * (10 + 3 * 1) if not reverse else 1 + 2 * (10 + 3 * 100)
    np.testing.assert_array_equal(value, [offset, offset + 30.0])
    assert count == 3
    np.testing.assert_array_equal(slope, [30.0, 30.0])


@pytest.mark.parametrize("unroll", [False, True])
def test_gradients_reach_the_weights_of_every_step(unroll):
    def value(factors):
        return run_steps(step, (ops.ones(()), ops.zeros(())), [*factors, TERMS], unroll=unroll)[0]

    (found,) = compiled(lambda factors: gradient(value, [factors]))(FACTORS)
    np.testing.assert_array_equal(found, [15.0, 5 * 3.0, 19.0])


def test_a_loop_is_traced_once():
    traced = []

    def counted(x, weights):
        traced.append(1)
        return (x * weights[0],)

    factors = ops.ones((50,))
    compiled(lambda x: run_steps(counted, (x,), [factors]))(ops.ones(()))
    assert len(traced) < 5
