"""Gradients with respect to weights, outside of the package."""

import keras
import numpy as np
import pytest


def weight_gradients(function, weights):
    """Value and gradients of a scalar function of no arguments; zeros where there is none."""
    if keras.backend.backend() == "jax":
        import jax

        def value(values):
            with keras.StatelessScope(list(zip(weights, values, strict=True))):
                return function()

        return jax.value_and_grad(value)([weight.value for weight in weights])

    import tensorflow as tf

    with tf.GradientTape() as tape:
        value = function()
    return value, tape.gradient(
        value,
        [weight.value for weight in weights],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )


def assert_gradients_are_differences(function, weights, step=1e-6):
    """Compares the gradients, along a random direction for each weight, with central differences.

    Args:
        function: Scalar function of no arguments, computed in float64.
        weights: Its variables; they end as they were.
        step: Of the differences, in the units of the weights.
    """
    _, gradients = weight_gradients(function, weights)
    rng = np.random.default_rng(1)
    for weight, gradient in zip(weights, gradients, strict=True):
        start, direction = np.array(weight), rng.normal(size=weight.shape)
        sides = []
        for sign in (1, -1):
            weight.assign(start + sign * step * direction)
            sides.append(float(function()))
        weight.assign(start)
        slope = (sides[0] - sides[1]) / (2 * step)
        assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-5, abs=1e-8)
