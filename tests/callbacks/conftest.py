"""A small trainable model with regularizers, for callbacks that only look at its numbers."""

import keras
import numpy as np
import pytest


class Numbers(keras.layers.Layer):
    """Looks like a regularizer to a callback: a name and numbers that are variables."""

    def __init__(self, name, **numbers):
        super().__init__(name=name)
        for key, value in numbers.items():
            initializer = keras.initializers.Constant(value)
            setattr(self, key, self.add_weight(initializer=initializer, trainable=False))
        self.built = True


class RegularizedModel(keras.Model):
    """A small classifier; the loss is the sum of the regularizers' weights ."""

    def __init__(self, regularizers, classifier):
        super().__init__()
        self.classifier = classifier
        self.regularizers = regularizers

    def call(self, x):
        return self.classifier(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.sum(y_pred) * 0.0 + sum(r.weight.value for r in self.regularizers)


@pytest.fixture
def numbers():
    return Numbers


@pytest.fixture
def make_model():
    def make(regularizers, classifier=None, **compile_arguments):
        if classifier is None:
            classifier = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model = RegularizedModel(regularizers, classifier)
        model.compile(**{"optimizer": "sgd", **compile_arguments})
        return model

    return make


@pytest.fixture
def x():
    return np.ones((8, 2), "float32")
