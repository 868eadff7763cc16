import functools

import keras
import numpy as np
import pytest
from golden.compiled import compiled
from golden.precision import ON_TENSORFLOW
from golden.tanh_net import TanhNet
from golden.weight_gradients import weight_gradients
from keras import ops
from keras.ops import convert_to_tensor as tensor

from keras_vat.autodiff import Linearization, gradient
from keras_vat.autodiff.replica_seed_generator import ReplicaSeedGenerator

X = np.random.default_rng(1).normal(size=(6, 5))
PRECISION = 1e-12


@pytest.fixture(
    params=["eager", pytest.param("graph", marks=pytest.mark.backend("tensorflow")), "xla"]
)
def compile_by(request):
    if request.param == "eager":
        return lambda function: function
    options = {"jit_compile": request.param == "xla"} if ON_TENSORFLOW else {}
    return functools.partial(compiled, **options)


def linearization(model, x):
    return Linearization(lambda parts: (model(parts[0]), None), [x])


def test_vjp_is_the_transposed_jacobian(compile_by):
    net = TanhNet()
    model = net.keras_model()
    u = np.random.default_rng(2).normal(size=(6, 4))
    found = compile_by(lambda x: linearization(model, x).vjp(tensor(u)))(tensor(X))
    expected = np.einsum("nki,nk->ni", net.jacobian(X), u)
    np.testing.assert_allclose(found[0], expected, rtol=PRECISION)


def test_jvp_is_the_directional_derivative(compile_by):
    net = TanhNet()
    model = net.keras_model()
    d = np.random.default_rng(3).normal(size=(6, 5))
    found = compile_by(lambda x: linearization(model, x).jvp([tensor(d)]))(tensor(X))
    np.testing.assert_allclose(found, np.einsum("nki,ni->nk", net.jacobian(X), d), rtol=PRECISION)


def test_jvp_agrees_with_forward_mode_through_convolutions_pooling_and_batch_norm(request):
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
    x, d = keras.random.normal((4, 8, 8, 2)), keras.random.normal((4, 8, 8, 2))

    def call(x):
        with keras.StatelessScope():
            return model(x, training=True)

    if keras.backend.backend() == "jax":
        import jax

        _, expected = jax.jvp(call, [x], [d])
    else:
        tf = request.getfixturevalue("tf")
        with tf.autodiff.ForwardAccumulator(x, d) as accumulator:
            outputs = call(x)
        expected = accumulator.jvp(outputs)
    found = Linearization(lambda parts: (call(parts[0]), None), [x]).jvp([d])
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_derivatives_of_an_unused_input_are_zero():
    used, unused = ops.ones((2, 3)), ops.ones((2, 3))
    linear = Linearization(lambda parts: (2.0 * parts[0], None), [used, unused])
    np.testing.assert_array_equal(linear.vjp(ops.ones((2, 3)))[1], np.zeros((2, 3)))
    np.testing.assert_array_equal(linear.jvp([used, unused]), 2 * np.ones((2, 3)))


def test_weight_gradients_flow_through_a_linearized_pass():
    weight, x = keras.Variable(3.0), tensor([[2.0]], "float32")

    def value():
        return ops.sum(Linearization(lambda parts: (weight * parts[0], None), [x]).value)

    _, gradients = weight_gradients(value, [weight])
    assert gradients[0] == 2.0


def test_gradient_is_of_the_sum_over_the_batch():
    x = tensor([[1.0, 2.0], [3.0, 4.0]], "float32")
    found = gradient(lambda parts: ops.sum(parts[0] ** 3, axis=1), [x])
    np.testing.assert_allclose(found[0], 3 * x**2)


def test_replica_seed_generator_draws_as_keras_does_on_one_device():
    ours, theirs = ReplicaSeedGenerator(7), keras.random.SeedGenerator(7)
    for _ in range(2):
        np.testing.assert_array_equal(
            keras.random.normal((3,), seed=ours), keras.random.normal((3,), seed=theirs)
        )
