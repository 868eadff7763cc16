import keras
import numpy as np
import pytest
import tensorflow as tf
from golden.tanh_net import TanhNet

from keras_vat.autodiff import Linearization, gradient
from keras_vat.replica_seed_generator import ReplicaSeedGenerator

X = np.random.default_rng(1).normal(size=(6, 5))


@pytest.fixture(scope="module", params=["eager", "graph", "xla"])
def compiled(request):
    if request.param == "eager":
        return lambda function: function
    return tf.function(jit_compile=request.param == "xla")


def linearization(model, x):
    return Linearization(lambda parts: (model(parts[0]), None), [x])


def test_vjp_is_the_transposed_jacobian(compiled):
    net = TanhNet()
    model = net.keras_model()
    u = np.random.default_rng(2).normal(size=(6, 4))
    found = compiled(lambda x: linearization(model, x).vjp(tf.constant(u)))(tf.constant(X))
    expected = np.einsum("nki,nk->ni", net.jacobian(X), u)
    np.testing.assert_allclose(found[0], expected, rtol=1e-12)


def test_jvp_is_the_directional_derivative(compiled):
    net = TanhNet()
    model = net.keras_model()
    d = np.random.default_rng(3).normal(size=(6, 5))
    found = compiled(lambda x: linearization(model, x).jvp([tf.constant(d)]))(tf.constant(X))
    np.testing.assert_allclose(found, np.einsum("nki,ni->nk", net.jacobian(X), d), rtol=1e-12)


def test_jvp_agrees_with_forward_mode_through_convolutions_pooling_and_batch_norm():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(3, 3),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(4),
        ]
    )
    x, d = tf.random.normal((4, 8, 8, 2)), tf.random.normal((4, 8, 8, 2))

    def call(x):
        with keras.StatelessScope():
            return model(x, training=True)

    with tf.autodiff.ForwardAccumulator(x, d) as accumulator:
        outputs = call(x)
    found = Linearization(lambda parts: (call(parts[0]), None), [x]).jvp([d])
    np.testing.assert_allclose(found, accumulator.jvp(outputs), rtol=2e-4, atol=2e-5)


def test_derivatives_of_an_unused_input_are_zero():
    used, unused = tf.ones((2, 3)), tf.ones((2, 3))
    linear = Linearization(lambda parts: (2.0 * parts[0], None), [used, unused])
    np.testing.assert_array_equal(linear.vjp(tf.ones((2, 3)))[1], np.zeros((2, 3)))
    np.testing.assert_array_equal(linear.jvp([used, unused]), 2 * np.ones((2, 3)))


def test_weight_gradients_flow_through_a_linearized_pass():
    weight = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        linear = Linearization(lambda parts: (weight * parts[0], None), [tf.constant([[2.0]])])
        value = tf.reduce_sum(linear.value)
    assert tape.gradient(value, weight) == 2.0


def test_gradient_is_of_the_sum_over_the_batch():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    found = gradient(lambda parts: tf.reduce_sum(parts[0] ** 3, axis=1), [x])
    np.testing.assert_allclose(found[0], 3 * x**2)


def test_replica_seed_generator_draws_as_keras_does_on_one_device():
    ours, theirs = ReplicaSeedGenerator(7), keras.random.SeedGenerator(7)
    for _ in range(2):
        np.testing.assert_array_equal(
            keras.random.normal((3,), seed=ours), keras.random.normal((3,), seed=theirs)
        )
