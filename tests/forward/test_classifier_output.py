"""Logits and their meaning, read off the classifier, its loss or its numbers."""

import keras
import numpy as np
import pytest
from golden.compiled import compiled
from golden.tanh_net import sigmoid, softmax
from keras import layers, ops

from keras_vat.forward.classifier_output import (
    ClassifierOutput,
    last_operation,
    name_of_activation,
    read_loss,
)


def model_ending(*last):
    return keras.Sequential([keras.Input((4,)), *last])


class Ending(keras.Model):
    """A subclassed model: its last activation can't be seen from outside."""

    def __init__(self, activation, units=3):
        super().__init__()
        self.dense = layers.Dense(units)
        self.activation_function = activation

    def call(self, x):
        return self.activation_function(self.dense(x))


def own_softmax(logits):
    """Unlike Keras's, it leaves no logits on its result."""
    powers = ops.exp(logits)
    return powers / ops.sum(powers, axis=-1, keepdims=True)


def logits_of(classifier, x, **arguments):
    return ops.convert_to_numpy(ClassifierOutput(classifier, **arguments).logits(classifier(x)))


def kind_of(classifier, x, **arguments):
    return ClassifierOutput(classifier, **arguments).distribution(classifier(x)).name


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_logits_behind_saturated_outputs_are_exact(activation):
    logits = np.array([[-120.0, 0.0, 300.0]], "float32")
    output = ClassifierOutput(keras.Sequential([keras.Input((3,)), layers.Activation(activation)]))
    np.testing.assert_array_equal(output.logits(output.call(logits, training=False)), logits)


def test_probabilities_of_unknown_origin_are_inverted(rows):
    logits = np.array([[-3.0, 0.0, 2.0]])
    output = ClassifierOutput(Ending(own_softmax), from_logits=False)
    # Softmax forgets a constant.
    inverted = ops.convert_to_numpy(output.logits(ops.convert_to_tensor(softmax(logits))))
    np.testing.assert_allclose(inverted - inverted[0, 1], logits, rtol=1e-6)
    output = ClassifierOutput(Ending(sigmoid), "bernoulli", from_logits=False)
    probabilities = ops.convert_to_tensor(sigmoid(logits))
    np.testing.assert_allclose(output.logits(probabilities), logits, rtol=1e-6)


@pytest.mark.parametrize("kind", ["categorical", "bernoulli"])
def test_saturated_probabilities_stay_finite(kind):
    output = ClassifierOutput(Ending(own_softmax), kind, from_logits=False)
    assert np.all(np.isfinite(output.logits(ops.convert_to_tensor([[0.0, 1.0]], "float32"))))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_logits_become_single(dtype):
    output = ClassifierOutput(model_ending(layers.Dense(3)))
    assert output.logits(ops.zeros((2, 3), dtype)).dtype == "float32"
    assert output.logits(ops.zeros((2, 3), "float64")).dtype == "float64"


@pytest.mark.parametrize(
    "make_last, activation",
    [
        (lambda: [layers.Dense(3, "softmax")], "softmax"),
        (lambda: [layers.Dense(3), layers.Softmax()], "softmax"),
        (lambda: [layers.Dense(3), layers.Activation("sigmoid")], "sigmoid"),
        (lambda: [layers.Dense(3)], "linear"),
        (lambda: [layers.Dense(3), layers.BatchNormalization()], "linear"),
        (lambda: [model_ending(layers.Dense(3, "softmax"))], "softmax"),
        (lambda: [layers.Dense(3, "relu")], None),
        (lambda: [layers.Dense(3), layers.Flatten()], None),
    ],
)
def test_last_activation(make_last, activation):
    sequential = model_ending(*make_last())
    assert name_of_activation(last_operation(sequential)) == activation
    functional = keras.Model(sequential.inputs, sequential.outputs)
    assert name_of_activation(last_operation(functional)) == activation


def test_last_activation_of_a_subclassed_model_is_unknown():
    assert name_of_activation(last_operation(Ending(own_softmax))) is None


@pytest.mark.parametrize(
    "loss, kind, from_logits",
    [
        ("sparse_categorical_crossentropy", "categorical", None),
        (keras.losses.CategoricalCrossentropy(from_logits=True), "categorical", True),
        (keras.losses.CategoricalFocalCrossentropy(), "categorical", False),
        ("binary_crossentropy", "bernoulli", None),
        (keras.losses.BinaryFocalCrossentropy(from_logits=True), "bernoulli", True),
        ("mse", "gaussian", None),
        (keras.losses.Huber(), "gaussian", None),
        ([keras.losses.BinaryCrossentropy()], "bernoulli", False),
        (lambda y, p: p, None, None),
        ({"a": "mse"}, "gaussian", None),
        ({"a": "mse", "b": "mse"}, None, None),
        ("mape", "gaussian", None),
        (keras.losses.MeanSquaredLogarithmicError(), "gaussian", None),
        (None, None, None),
    ],
)
def test_what_a_loss_says(loss, kind, from_logits):
    assert read_loss(loss) == (kind, from_logits)


def test_what_the_user_says_comes_first(rows):
    softmax = model_ending(layers.Dense(3, "softmax"))
    assert kind_of(softmax, rows.x, output="bernoulli") == "bernoulli"
    with pytest.warns(UserWarning, match="`from_logits=True` contradicts the classifier"):
        logits = logits_of(softmax, rows.x, from_logits=True)
    np.testing.assert_array_equal(logits, softmax(rows.x))


def test_the_loss_comes_before_the_last_layer(rows):
    dense = model_ending(layers.Dense(3))
    assert kind_of(dense, rows.x) == "categorical"
    assert kind_of(dense, rows.x, loss="mse") == "gaussian"
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    assert kind_of(dense, rows.x, loss=loss) == "bernoulli"


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.binary_crossentropy,
        keras.losses.CategoricalFocalCrossentropy(),
        [keras.losses.BinaryCrossentropy()],
        {"a": keras.losses.BinaryCrossentropy()},
    ],
)
def test_a_loss_of_probabilities_on_logits_is_warned_of(loss):
    linear, unknown = model_ending(layers.Dense(3)), Ending(own_softmax)
    for classifier, from_logits in ((linear, None), (linear, True), (unknown, True)):
        with pytest.warns(UserWarning, match="`loss` takes probabilities.*from_logits=True.*Rece"):
            ClassifierOutput(classifier, from_logits=from_logits, loss=loss)
    # Warnings are errors: none of these has one.
    for classifier, from_logits in (
        (model_ending(layers.Dense(3, "softmax")), None),
        (model_ending(layers.Dense(3, "sigmoid")), False),
        (unknown, None),
        (unknown, False),
    ):
        ClassifierOutput(classifier, from_logits=from_logits, loss=loss)
    for other in (
        None,
        "mse",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda y, logits: logits,
        {"a": loss, "b": loss},
    ):
        ClassifierOutput(linear, loss=other)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "relu"])
def test_a_regression_is_about_outputs_whatever_their_activation(rows, activation):
    classifier = model_ending(layers.Dense(3, activation))
    for evidence in ({"loss": "mse"}, {"output": "gaussian"}):
        np.testing.assert_array_equal(logits_of(classifier, rows.x, **evidence), classifier(rows.x))


def test_a_stated_kind_outranks_a_regression_loss():
    """Class probabilities fitted by their squared error are probabilities still."""
    classifier = Ending(own_softmax)
    output = ClassifierOutput(classifier, "categorical", loss="mse")
    with pytest.raises(ValueError, match="logits or probabilities"):
        output.logits(classifier(np.ones((2, 4), "float32")))


@pytest.mark.parametrize("units, activation", [(1, "sigmoid"), (3, "sigmoid"), (3, "softmax")])
def test_kind_by_the_last_layer(rows, units, activation):
    classifier = model_ending(layers.Dense(units, activation))
    expected = {"sigmoid": "bernoulli", "softmax": "categorical"}[activation]
    assert kind_of(classifier, rows.x) == expected


@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize("function", [keras.ops.softmax, keras.ops.sigmoid])
def test_kind_by_the_numbers_where_they_can_be_seen(rows, function):
    expected = "categorical" if function is keras.ops.softmax else "bernoulli"
    assert kind_of(Ending(keras.activations.get(function.__name__)), rows.x) == expected


def test_logits_by_the_numbers_where_they_can_be_seen(rows):
    classifier = Ending(lambda logits: 5.0 * logits)
    np.testing.assert_array_equal(logits_of(classifier, rows.x), classifier(rows.x))


def trace(classifier, ask, **arguments):
    """Asks within a compiled function, where there are no numbers to look at."""
    output = ClassifierOutput(classifier, **arguments)
    compiled(lambda x: ask(output, classifier(x)))(ops.ones((2, 4)))


@pytest.mark.parametrize("function", [own_softmax, lambda logits: logits])
@pytest.mark.parametrize("loss", [None, "sparse_categorical_crossentropy"])
def test_logits_that_can_not_be_found_out(function, loss):
    ask = ClassifierOutput.logits
    with pytest.raises(
        ValueError, match=r"VATModel\(classifier, from_logits=True\).*needs them whole.*Received"
    ):
        trace(Ending(function), ask, loss=loss)
    trace(Ending(function), ask, output="categorical", from_logits=False)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trace(Ending(function), ask, loss=loss)


def test_probabilities_without_evidence_are_refused_eagerly_too(rows):
    with pytest.raises(ValueError, match="logits or probabilities"):
        logits_of(Ending(own_softmax), rows.x)


@pytest.mark.backend("tensorflow")
def test_keras_softmax_in_a_subclassed_model_gives_logits_but_no_kind():
    classifier = Ending(keras.activations.softmax)
    trace(classifier, ClassifierOutput.logits)
    with pytest.raises(
        ValueError, match=r"VATModel.classifier, output=.... .*output shape \(2, 3\)"
    ):
        trace(classifier, ClassifierOutput.distribution)


def test_a_single_number_without_evidence_is_refused(rows):
    with pytest.raises(
        ValueError,
        match=r"VATModel.classifier, output=.... with 'categorical' \(softmax\), 'bernoulli'",
    ):
        kind_of(Ending(lambda logits: logits, units=1), rows.x)


@pytest.mark.parametrize("structure", [list, tuple, lambda parts: dict(enumerate(parts))])
def test_several_outputs_are_refused(structure):
    outputs = structure([ops.zeros((2, 3)), ops.zeros((2, 1))])
    output = ClassifierOutput(model_ending(layers.Dense(3)))
    with pytest.raises(ValueError, match="`classifier` must return one tensor.*of 2.*keras.Model"):
        output.logits(outputs)
