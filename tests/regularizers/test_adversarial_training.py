"""Adversarial training on linear classifiers, against NumPy."""

import keras
import numpy as np
import pytest

from keras_vat.regularizers import AdversarialTraining


@pytest.fixture
def linear():
    """A linear softmax classifier and its matrix."""
    classifier = keras.Sequential(
        [keras.Input((4,), dtype="float64"), keras.layers.Dense(3, dtype="float64")]
    )
    return classifier, np.array(classifier.layers[0].kernel)


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_penalty_is_the_loss_at_the_adversarial_point(linear, rows, norm, one_hot):
    classifier, kernel = linear
    x = np.float64(rows.x)
    labels = np.eye(3)[rows.y]
    gradient = (np.exp(log_softmax(x @ kernel)) - labels) @ kernel.T
    if norm == "l2":
        r = 0.7 * gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    else:
        r = 0.7 * np.sign(gradient)
    expected = -(labels * log_softmax((x + r) @ kernel)).sum(axis=1).mean()
    # Arrays of doubles become Keras's default float, so tensors are given.
    tensor = keras.ops.convert_to_tensor(x, "float64")
    y = labels if one_hot else rows.y
    penalty = AdversarialTraining(0.7, norm=norm).penalty(classifier, tensor, y)
    assert float(penalty) == pytest.approx(expected, rel=1e-6)


def test_sample_weights_multiply_rows(linear, rows):
    classifier, _ = linear
    method = AdversarialTraining(0.5)
    weight = np.linspace(0, 2, 12)
    per_row = [
        float(method.penalty(classifier, rows.x[i : i + 1], rows.y[i : i + 1])) for i in range(12)
    ]
    for given in (weight, weight[:, None]):
        penalty = method.penalty(classifier, rows.x, rows.y, sample_weight=given)
        assert float(penalty) == pytest.approx(np.mean(weight * per_row), rel=1e-6)


def test_sample_weights_for_every_position_are_refused(linear, rows):
    with pytest.raises(ValueError, match=r"`sample_weight` must have one weight.*\(12, 2\)"):
        AdversarialTraining(0.5).penalty(linear[0], rows.x, rows.y, np.ones((12, 2)))


def test_at_epsilon_zero_it_is_the_loss_of_the_labels(linear, rows):
    method = AdversarialTraining(0.5)
    method.epsilon = 0.0
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = float(loss(rows.y, linear[0](rows.x)))
    assert float(method.penalty(linear[0], rows.x, rows.y)) == pytest.approx(expected, rel=1e-6)


def test_labels_are_needed(linear, rows):
    with pytest.raises(ValueError, match=r"`y` is needed by 'at' \(AdversarialTraining\)"):
        AdversarialTraining(0.5).penalty(linear[0], rows.x)


@pytest.mark.parametrize("norm", ["l1", None, 2])
def test_unknown_norm(norm):
    with pytest.raises(ValueError, match=r"`norm` must be one of \('l2', 'linf'\). Received"):
        AdversarialTraining(0.5, norm=norm)
