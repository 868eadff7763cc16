import numpy as np
import pytest
import tensorflow as tf

from keras_vat.generators.glow.step_loop import run_steps

FACTORS = tf.constant([2.0, 3.0, 5.0])
TERMS = tf.constant([1.0, 10.0, 100.0])


def step(x, count, weights):
    factor, term = weights
    return x * factor + term, count + 1


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_steps_in_either_order(compiled, unroll, reverse):
    def run(x):
        stacks = [FACTORS, TERMS]
        with tf.GradientTape() as tape:
            tape.watch(x)
            value, count = run_steps(step, (x, tf.zeros(())), stacks, reverse, unroll)
        return value, count, tape.gradient(value, x)

    value, count, gradient = (tf.function(run) if compiled else run)(tf.constant([0.0, 1.0]))
    # ((x 2 + 1) 3 + 10) 5 + 100, and ((x 5 + 100) 3 + 10) 2 + 1
    offset = 100 + 5 * (10 + 3 * 1) if not reverse else 1 + 2 * (10 + 3 * 100)
    np.testing.assert_array_equal(value, [offset, offset + 30.0])
    assert count == 3
    np.testing.assert_array_equal(gradient, [30.0, 30.0])


@pytest.mark.parametrize("unroll", [False, True])
def test_gradients_reach_the_weights_of_every_step(unroll):
    @tf.function
    def run(factors):
        with tf.GradientTape() as tape:
            tape.watch(factors)
            value, _ = run_steps(step, (tf.ones(()), tf.zeros(())), [factors, TERMS], unroll=unroll)
        return tape.gradient(value, factors)

    np.testing.assert_array_equal(run(FACTORS), [15.0, 5 * 3.0, 19.0])


def test_a_loop_is_traced_once():
    traced = []

    def counted(x, weights):
        traced.append(1)
        return (x * weights[0],)

    factors = tf.ones((50,))
    tf.function(lambda x: run_steps(counted, (x,), [factors])).get_concrete_function(tf.ones(()))
    assert len(traced) < 5
