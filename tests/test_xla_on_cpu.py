"""Which models `jit_compile="auto"` compiles by XLA on a CPU."""

import keras
import pytest
import tensorflow as tf
from keras import layers
from tensorflow.python.framework import config

import keras_vat
from keras_vat import VATModel, classifiers, regularizers

pytestmark = pytest.mark.backend("tensorflow")


def is_compiled(classifier, *methods, **settings):
    model = VATModel(classifier, [regularizers.get("vat", epsilon=1.0), *methods])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, **{"jit_compile": "auto", **settings})
    return bool(model.jit_compile)


def sequential(*hidden, **arguments):
    return keras.Sequential(
        [keras.Input((1000,)), layers.Dense(1000, "relu"), *hidden, layers.Dense(3)], **arguments
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2000)

    def call(self, inputs):
        return self.dense(inputs)


def subclassed():
    model = Subclassed()
    model(tf.zeros((1, 1000)))
    return model


def with_an_operation():
    inputs = keras.Input((1000,))
    return keras.Model(inputs, layers.Dense(2000)(keras.ops.cumsum(inputs, axis=-1)))


@pytest.mark.parametrize("build", [classifiers.mnist_mlp, sequential])
def test_wide_dense_classifiers(build):
    assert is_compiled(build())
    assert not is_compiled(build(), jit_compile=False)
    assert not is_compiled(build(), run_eagerly=True)


@pytest.mark.parametrize(
    "build",
    [
        lambda: classifiers.mnist_mlp(noise=0.5),
        lambda: sequential(layers.Dropout(0.5)),
        lambda: sequential(layers.Reshape((10, 100)), layers.Conv1D(8, 3), layers.Flatten()),
        lambda: keras.Sequential([layers.Dense(1000), layers.Dense(1000)]),
        lambda: keras.Sequential([keras.Input((100,)), layers.Dense(1000)]),
        subclassed,
        with_an_operation,
    ],
    ids=["noise", "dropout", "convolution", "unbuilt", "few weights", "subclassed", "operation"],
)
def test_others_are_not(build):
    assert not is_compiled(build())


def test_not_through_a_generator():
    vae = keras_vat.generators.VAE((28, 28, 1), latent_dim=4)
    lvat = regularizers.get("lvat", generator=vae, epsilon=1.0)
    assert not is_compiled(classifiers.mnist_mlp(), lvat)


def test_not_under_a_strategy():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        assert not is_compiled(sequential())


def test_not_where_operations_must_be_deterministic():
    tf.config.experimental.enable_op_determinism()
    try:
        assert not is_compiled(sequential())
    finally:
        config.disable_op_determinism()
