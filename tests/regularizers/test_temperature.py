"""`temperature` of virtual adversarial training, against float64 NumPy."""

import keras
import numpy as np
import pytest
from golden.norms import unit
from golden.tanh_net import sigmoid, softmax
from keras import layers, ops

from keras_vat import Forward, VATModel, evaluation, regularizers
from keras_vat.perturbations import VirtualAdversarialPerturbation

X = np.random.default_rng(1).normal(size=(6, 5))
W = 2.0 * np.random.default_rng(4).normal(size=(5, 4))


def linear(activation=None):
    layer = layers.Dense(4, activation, use_bias=False, dtype="float64")
    model = keras.Sequential([keras.Input((5,), dtype="float64"), layer])
    model.set_weights([W])
    return model


def of_softmax(f, g, temperature):
    sharpened = softmax(f) ** (1 / temperature)
    sharpened /= sharpened.sum(-1, keepdims=True)
    return np.sum(sharpened * np.log(sharpened / softmax(g)), axis=-1)


def of_sigmoids(f, g, temperature):
    def both(logits):
        return np.stack([sigmoid(logits), sigmoid(-logits)], axis=-1)

    sharpened = both(f) ** (1 / temperature)
    sharpened /= sharpened.sum(-1, keepdims=True)
    return np.mean(np.sum(sharpened * np.log(sharpened / both(g)), axis=-1), axis=-1)


DIVERGENCES = {"softmax": of_softmax, "sigmoid": of_sigmoids}


@pytest.mark.parametrize("activation", DIVERGENCES)
@pytest.mark.parametrize("temperature", [0.5, 2.0])
@pytest.mark.parametrize("training", [False, True])
def test_penalty_and_smoothness_are_those_of_the_sharpened_output(
    activation, temperature, training
):
    classifier, settings = linear(activation), {"temperature": temperature, "seed": 5}
    perturbation = VirtualAdversarialPerturbation(0.7, **settings)
    r = ops.convert_to_numpy(perturbation(Forward(classifier, training=training), X))
    expected = DIVERGENCES[activation](X @ W, (X + r) @ W, temperature)
    vat = regularizers.VirtualAdversarialTraining(0.7, **settings)
    penalty = vat.penalty(Forward(classifier, training=training), X)
    np.testing.assert_allclose(penalty, np.mean(expected), rtol=1e-6)
    if not training:
        lds = evaluation.local_distributional_smoothness(classifier, X, 0.7, **settings)
        np.testing.assert_allclose(lds, expected, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("k", [1, 3])
def test_in_training_the_search_climbs_from_the_sharpened_output(k):
    settings = {"temperature": 0.5, "seed": 5}
    forward = Forward(linear(), training=True)
    found = VirtualAdversarialPerturbation(0.7, k, **settings)(forward, X)
    r = ops.convert_to_numpy(VirtualAdversarialPerturbation(0.7, 0, seed=5)(linear(), X))
    for _ in range(k):
        r = 0.7 * unit((softmax((X + r) @ W) - softmax(2 * X @ W)) @ W.T)
    np.testing.assert_allclose(found, r, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("curvature", ["exact", "logit_difference"])
def test_at_inference_it_climbs_the_quadratic_model_of_the_divergence(curvature):
    found = VirtualAdversarialPerturbation(0.7, 3, curvature, temperature=0.5, seed=5)(
        linear(), ops.convert_to_tensor(X)
    )
    d = ops.convert_to_numpy(VirtualAdversarialPerturbation(1.0, 0, seed=5)(linear(), X))
    p = softmax(X @ W)
    for _ in range(3):
        tangent = d @ W
        curved = p * (tangent - np.sum(p * tangent, axis=1, keepdims=True))
        d = unit((p - softmax(2 * X @ W) + 0.7 * curved) @ W.T)
    np.testing.assert_allclose(found, 0.7 * d, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("curvature", ["exact", "logit_difference", "at_epsilon"])
def test_one_changes_nothing(curvature):
    """A slope at r = 0 that is rounding alone must not lead where the classifier is sure."""
    classifier = linear()
    classifier.set_weights([30 * W])
    plain = VirtualAdversarialPerturbation(0.7, 2, curvature, seed=5)
    sharpened = VirtualAdversarialPerturbation(0.7, 2, curvature, seed=5, temperature=0.5)
    sharpened.temperature = 1.0
    expected = plain(classifier, X)
    np.testing.assert_array_equal(sharpened(classifier, X), expected)
    sharpened.temperature = 0.9
    assert not np.allclose(sharpened(classifier, X), expected)


def test_a_callback_moves_it_in_a_compiled_fit(make_classifier, make_vat_model, rows):
    vat = regularizers.VirtualAdversarialTraining(0.5, temperature=0.5)

    class Cooling(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            vat.temperature = (1.0, 0.25)[epoch]

    model = make_vat_model([vat], optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(rows.x, rows.y, epochs=2, verbose=0, callbacks=[Cooling()]).history
    assert history["vat"][1] > 2 * history["vat"][0]
    assert float(vat.temperature) == 0.25


def test_it_is_saved(tmp_path, make_classifier):
    model = VATModel(
        make_classifier(), regularizers.VirtualAdversarialTraining(0.5, temperature=0.5)
    )
    model.regularizers[0].temperature = 0.75
    model.save(tmp_path / "model.keras")
    (loaded,) = keras.saving.load_model(tmp_path / "model.keras").regularizers
    assert float(loaded.temperature) == 0.75
    assert loaded.get_config()["temperature"] == 0.5


def test_there_is_none_of_a_regression():
    classifier = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    vat = regularizers.VirtualAdversarialTraining(0.5, temperature=0.5)
    with pytest.raises(ValueError, match="`temperature` must be 1 for a regression"):
        vat.penalty(Forward(classifier, output="gaussian"), X)


@pytest.mark.parametrize("temperature", [0, -1.0, "cold", None])
def test_what_is_no_temperature(temperature):
    with pytest.raises((TypeError, ValueError), match="`temperature` must be"):
        regularizers.VirtualAdversarialTraining(0.5, temperature=temperature)
