"""Gradients with respect to weights, outside of the package."""

import keras


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
