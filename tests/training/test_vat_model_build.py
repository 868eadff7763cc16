"""A model is built by hand, or as another was, and so is its classifier."""

import keras
import numpy as np
import pytest

from keras_vat import SemiSupervisedInputs, VATModel, regularizers


def make(**settings):
    classifier = keras.Sequential([keras.layers.Dense(5, "relu"), keras.layers.Dense(2)])
    model = VATModel(classifier, regularizers.VirtualAdversarialTraining(0.1, seed=1), **settings)
    model.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    return model


def test_build_reaches_the_classifier():
    model = make()
    model.build((None, 4))
    assert model.built and model.classifier.built
    assert [weight.shape for weight in model.weights][0] == (4, 5)


@pytest.mark.parametrize("semi_supervised", [False, True])
def test_a_model_is_built_as_another_was_and_takes_its_weights(tmp_path, semi_supervised):
    """As tuners bring back the best one: settings, then the shapes, then the weights."""
    x, y = np.random.default_rng(0).normal(size=(8, 4)).astype("float32"), np.arange(8) % 2
    model = make()
    model.train_on_batch(SemiSupervisedInputs(x, x) if semi_supervised else x, y)
    model.save_weights(tmp_path / "best.weights.h5")
    other = make()
    other.build_from_config(model.get_build_config())
    other.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_allclose(other.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)


def test_a_subclassed_classifier_is_built_by_its_first_batch():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs["a"]) + self.dense(inputs["b"])

    model = VATModel(Own(), regularizers.EntropyMinimization())
    model.compile(
        "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    x = {name: np.ones((4, 3), "float32") for name in "ab"}
    model.fit(x, np.zeros(4, "int32"), verbose=0)
    assert model.built and len(model.trainable_weights) == 2
