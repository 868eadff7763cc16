"""Padding is found where Keras computes the mask: in the run, for any model."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_vat import Forward, perturbations, regularizers

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
X[:, 4:] = 0.0  # padding
OTHER = np.random.default_rng(1).normal(size=(4, 6, 3)).astype("float32")
TOKENS = np.array([[1, 2, 3, 4, 0, 0]] * 4)


def sequential(*front):
    return keras.Sequential(
        [keras.Input((6, 3)), *front, layers.Masking(), layers.LSTM(4), layers.Dense(2)]
    )


def nested():
    inputs = keras.Input((6, 3))
    encoder = keras.Sequential([keras.Input((6, 3)), layers.Masking(), layers.LSTM(4)])
    return keras.Model(inputs, layers.Dense(2)(encoder(inputs)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.masking, self.lstm, self.dense = layers.Masking(), layers.LSTM(4), layers.Dense(2)

    def call(self, x):
        return self.dense(self.lstm(self.masking(2.0 * x)))


class GivenMask(keras.Model):
    """Reads the mask itself, from what isn't perturbed, and hands it on by name."""

    def __init__(self):
        super().__init__()
        self.lstm, self.dense = layers.LSTM(4, return_sequences=True), layers.Dense(2)

    def call(self, inputs):
        states = self.lstm(inputs["x"], mask=inputs["tokens"] > 0)
        return self.dense(states[:, -1])


def shared():
    inputs, masking = keras.Input((6, 3)), layers.Masking()
    parts = [layers.LSTM(4)(masking(inputs)) for _ in range(2)]
    return keras.Model(inputs, layers.Dense(2)(layers.Add()(parts)))


def by_name():
    z, a = keras.Input((6, 3), name="z"), keras.Input((6, 3), name="a")
    parts = [layers.LSTM(4)(layers.Masking()(z)), layers.LSTM(4)(a)]
    return keras.Model([z, a], layers.Dense(2)(layers.Concatenate()(parts)))


def moved(classifier, x, perturbation=None, training=True):
    perturbation = perturbation or perturbations.VirtualAdversarialPerturbation(1.0, seed=1)
    r = perturbation(Forward(classifier, training=training), x)
    return keras.tree.map_structure(ops.convert_to_numpy, r)


def norms(r, steps):
    return np.linalg.norm(r[:, steps].reshape(len(r), -1), axis=-1)


MODELS = {
    "behind the input": (sequential, X),
    "behind noise": (lambda: sequential(layers.GaussianDropout(0.3, seed=1)), X),
    "behind rescaling": (lambda: sequential(layers.Rescaling(3.0)), X),
    "behind dropout": (lambda: sequential(layers.Dropout(0.5, seed=1)), X),
    "behind reshaping": (
        lambda: keras.Sequential(
            [keras.Input((18,)), layers.Reshape((6, 3)), *sequential().layers[-3:]]
        ),
        X.reshape(4, 18),
    ),
    "nested": (nested, X),
    "shared": (shared, X),
    "subclassed": (Subclassed, X),
    "a mask given by name": (GivenMask, {"x": OTHER, "tokens": TOKENS}),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["RandomPerturbation", "VirtualAdversarialPerturbation"])
def test_padding_stays_and_the_rest_has_the_whole_norm(name, kind):
    make, x = MODELS[name]
    r = moved(make(), x, getattr(perturbations, kind)(1.0, seed=1))
    r = (r["x"] if isinstance(r, dict) else r).reshape(4, 6, 3)
    np.testing.assert_array_equal(norms(r, slice(4, 6)), 0.0)
    np.testing.assert_allclose(norms(r, slice(0, 4)), 1.0, rtol=1e-5)


@pytest.mark.parametrize("given", [{"z": X, "a": OTHER}, [X, OTHER]], ids=["dict", "list"])
def test_of_several_inputs_each_has_its_own(given):
    r = keras.tree.flatten(moved(by_name(), given))
    z, a = r if isinstance(given, list) else (moved(by_name(), given)[name] for name in "za")
    np.testing.assert_array_equal(norms(z, slice(4, 6)), 0.0)
    assert np.all(norms(a, slice(4, 6)) > 0)


def test_longer_padding_changes_no_penalty():
    lstm, dense, inputs = layers.LSTM(4), layers.Dense(2), keras.Input((None, 3))
    encoder = keras.Sequential([keras.Input((None, 3)), layers.Masking(), lstm])
    classifier = keras.Model(inputs, dense(encoder(inputs)))
    padded = [np.pad(OTHER[:, :4], [(0, 0), (0, steps), (0, 0)]) for steps in (0, 20)]
    at = regularizers.AdversarialTraining(1.0)
    short, long = (float(at.penalty(classifier, x, np.arange(4) % 2)) for x in padded)
    np.testing.assert_allclose(long, short, rtol=1e-5)


def test_nothing_is_masked_without_a_mask():
    classifier = keras.Sequential([keras.Input((6, 3)), layers.LSTM(4), layers.Dense(2)])
    assert np.all(norms(moved(classifier, X), slice(4, 6)) > 0)


@pytest.mark.parametrize("kind", ["RandomPerturbation", "VirtualAdversarialPerturbation"])
def test_inputs_that_the_model_does_not_read_take_no_part(kind):
    f = keras.Input((4,), name="f")
    classifier = keras.Model([f], layers.Dense(3)(f))
    rng = np.random.default_rng(0)
    x = {"f": rng.normal(size=(4, 4)).astype("float32"), "row": np.ones((4, 1), "float32")}
    r = moved(classifier, x, getattr(perturbations, kind)(1.0, seed=1))
    np.testing.assert_array_equal(r["row"], 0.0)
    np.testing.assert_allclose(np.linalg.norm(r["f"], axis=-1), 1.0, rtol=1e-5)
