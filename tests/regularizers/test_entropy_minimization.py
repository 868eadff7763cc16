"""The entropy of the clean outputs, against NumPy."""

import keras
import numpy as np
import pytest

from keras_vat import Forward
from keras_vat.regularizers import EntropyMinimization


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_categorical_entropy(make_classifier, rows, activation):
    classifier = make_classifier(activation)
    p = np.float64(keras.ops.softmax(make_classifier()(rows.x)))
    expected = -(p * np.log(p)).sum(axis=1).mean()
    assert float(EntropyMinimization().penalty(classifier, rows.x)) == pytest.approx(expected, 1e-5)


def test_bernoulli_entropy_is_a_mean_over_labels(make_classifier, rows):
    classifier = make_classifier("sigmoid")
    p = np.float64(classifier(rows.x))
    expected = -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()
    assert float(EntropyMinimization().penalty(classifier, rows.x)) == pytest.approx(expected, 1e-5)


def test_uniform_outputs_have_the_largest_entropy(make_classifier):
    penalty = EntropyMinimization().penalty(make_classifier(), np.zeros((2, 4), "float32"))
    assert float(penalty) == pytest.approx(np.log(3), rel=1e-6)


def test_regression_is_refused(make_classifier, rows):
    forward = Forward(make_classifier(), output="gaussian")
    with pytest.raises(ValueError, match="`EntropyMinimization` needs a classifier"):
        EntropyMinimization().penalty(forward, rows.x)
