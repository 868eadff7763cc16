"""Logits and their meaning, read off the classifier, its loss or its numbers."""

import keras
import numpy as np
import pytest
from golden.compiled import compiled
from golden.tanh_net import sigmoid, softmax
from keras import layers, ops

from keras_vat import Forward
from keras_vat.forward.output_meaning import logits_of_probabilities, read_loss


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


def reading_of(classifier, x, **arguments):
    """What is read off one run of a classifier."""
    return Forward(classifier, **arguments).read(ops.convert_to_tensor(x))


def logits_of(classifier, x, **arguments):
    return ops.convert_to_numpy(reading_of(classifier, x, **arguments).logits)


def kind_of(classifier, x, **arguments):
    return reading_of(classifier, x, **arguments).distribution.name


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_logits_behind_saturated_outputs_are_exact(activation):
    logits = np.array([[-120.0, 0.0, 300.0]], "float32")
    classifier = keras.Sequential([keras.Input((3,)), layers.Activation(activation)])
    np.testing.assert_array_equal(logits_of(classifier, logits), logits)


def test_probabilities_of_unknown_origin_are_inverted():
    logits = np.array([[-3.0, 0.0, 2.0]])
    # Softmax forgets a constant.
    inverted = ops.convert_to_numpy(
        logits_of_probabilities(ops.convert_to_tensor(softmax(logits)), "categorical")
    )
    np.testing.assert_allclose(inverted - inverted[0, 1], logits, rtol=1e-6)
    probabilities = ops.convert_to_tensor(sigmoid(logits))
    inverted = logits_of_probabilities(probabilities, "bernoulli")
    np.testing.assert_allclose(inverted, logits, rtol=1e-6)


@pytest.mark.parametrize("kind", ["categorical", "bernoulli"])
def test_saturated_probabilities_stay_finite(kind):
    probabilities = ops.convert_to_tensor([[0.0, 1.0]], "float32")
    assert np.all(np.isfinite(logits_of_probabilities(probabilities, kind)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_half_precision_logits_become_single(dtype):
    classifier = keras.Sequential([keras.Input((4,)), layers.Dense(3, dtype=dtype)])
    logits = Forward(classifier).read(ops.zeros((2, 4))).logits
    assert keras.backend.standardize_dtype(logits.dtype) == max(dtype, "float32", key=len) or (
        keras.backend.standardize_dtype(logits.dtype) == "float32"
    )


def mixture_of(*activations):
    """Experts with these activations, averaged."""
    inputs = keras.Input((4,))
    outputs = [layers.Dense(3, activation)(inputs) for activation in activations]
    return keras.Model(inputs, layers.Average()(outputs))


def pooled(activation):
    frames = keras.Input((5, 4))
    return keras.Model(frames, layers.GlobalAveragePooling1D()(layers.Dense(3, activation)(frames)))


def in_each_step(*last):
    return keras.Sequential([keras.Input((5, 4)), *last])


def fed(classifier):
    return np.random.default_rng(0).normal(size=(2, *classifier.input_shape[1:])).astype("float32")


@pytest.mark.parametrize(
    "make",
    [
        lambda: model_ending(layers.Dense(3)),
        lambda: model_ending(layers.Dense(3), layers.BatchNormalization()),
        lambda: model_ending(layers.Dense(3), layers.Reshape((3, 1)), layers.Flatten()),
        lambda: model_ending(layers.Dense(3), layers.Activation("linear", dtype="float64")),
        lambda: mixture_of(None, None),
        lambda: pooled(None),
        lambda: in_each_step(layers.TimeDistributed(layers.Dense(3))),
        lambda: in_each_step(layers.Conv1D(3, 2), layers.GlobalAveragePooling1D()),
        lambda: Ending(lambda logits: logits),
    ],
)
def test_what_ends_linear_is_logits(make, rows):
    """Also where layers only average, add or move; in a compiled step, too."""
    classifier = make()
    x = rows.x if isinstance(classifier, Ending) else fed(classifier)
    trace(classifier, x)
    np.testing.assert_array_equal(logits_of(classifier, x), classifier(x))


@pytest.mark.parametrize(
    "make",
    [
        lambda: mixture_of("softmax", "softmax"),
        lambda: pooled("softmax"),
        lambda: model_ending(layers.Dense(3, "softmax"), layers.Reshape((3, 1)), layers.Flatten()),
        lambda: in_each_step(layers.LSTM(3, activation="softmax")),
        lambda: Ending(own_softmax),
    ],
)
def test_averages_of_probabilities_are_what_the_loss_says(make, rows):
    classifier = make()
    x = rows.x if isinstance(classifier, Ending) else fed(classifier)
    with pytest.raises(ValueError, match="logits or probabilities"):
        trace(classifier, x)
    for loss in ("sparse_categorical_crossentropy", keras.losses.CategoricalCrossentropy()):
        reading = reading_of(classifier, x, loss=loss)
        assert not reading.has_exact_logits
        outputs = ops.convert_to_numpy(classifier(x))  # Keras's losses divide by their sum
        normalized = outputs / outputs.sum(-1, keepdims=True)
        np.testing.assert_allclose(ops.softmax(reading.logits), normalized, atol=1e-6)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    np.testing.assert_array_equal(logits_of(classifier, x, loss=loss), classifier(x))


@pytest.mark.parametrize("steps", [5, None])
@pytest.mark.parametrize(
    "make_last",
    [lambda: layers.Dense(3, "softmax"), lambda: model_ending(layers.Dense(3, "softmax"))],
)
def test_a_softmax_in_each_step_is_seen_through(make_last, steps):
    classifier = keras.Sequential([keras.Input((steps, 4)), layers.TimeDistributed(make_last())])
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    reading = reading_of(classifier, x)
    kernel, bias = (ops.convert_to_numpy(weight) for weight in classifier.weights)
    assert reading.has_exact_logits and not reading.returned_logits
    np.testing.assert_allclose(reading.logits, x @ kernel + bias, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axis", [1, -2, -1, 2])
def test_the_classes_are_in_the_axis_of_the_softmax(axis):
    x = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    classifier = keras.Sequential([keras.Input((3, 5)), layers.Softmax(axis=axis)])
    reading = reading_of(classifier, x)
    last = axis in (-1, 2)
    np.testing.assert_array_equal(reading.logits, x if last else np.moveaxis(x, 1, -1))
    np.testing.assert_array_equal(reading.like_outputs(reading.logits), x)


def test_the_classes_are_in_the_axis_of_the_loss():
    x = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    linear = keras.Sequential([keras.Input((3, 5)), layers.Dense(5)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, axis=1)
    assert reading_of(linear, x, loss=loss).logits.shape == (2, 5, 3)


def test_a_softmax_over_several_axes_is_refused():
    classifier = Ending(lambda x: ops.softmax(x, axis=None))
    with pytest.raises(ValueError, match="softmax must be over one axis.*Received: axis=None"):
        reading_of(classifier, np.ones((2, 4)))


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
def test_a_loss_of_probabilities_on_logits_is_warned_of(loss, rows):
    linear, unknown = model_ending(layers.Dense(3)), Ending(own_softmax)
    with pytest.warns(UserWarning, match="`loss` takes probabilities.*from_logits=True.*Rece"):
        reading_of(linear, rows.x, loss=loss)
    # Warnings are errors: none of these has one.
    for classifier, from_logits in (
        (model_ending(layers.Dense(3, "softmax")), None),
        (model_ending(layers.Dense(3, "sigmoid")), False),
        (unknown, None),
        (unknown, False),
        (linear, True),
    ):
        reading_of(classifier, rows.x, from_logits=from_logits, loss=loss)
    for other in (
        None,
        "mse",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda y, logits: logits,
        {"a": loss, "b": loss},
    ):
        reading_of(linear, rows.x, loss=other)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "relu"])
def test_a_regression_is_about_outputs_whatever_their_activation(rows, activation):
    classifier = model_ending(layers.Dense(3, activation))
    for evidence in ({"loss": "mse"}, {"output": "gaussian"}):
        np.testing.assert_array_equal(logits_of(classifier, rows.x, **evidence), classifier(rows.x))


def test_a_stated_kind_outranks_a_regression_loss():
    """Class probabilities fitted by their squared error are probabilities still."""
    with pytest.raises(ValueError, match="logits or probabilities"):
        reading_of(Ending(own_softmax), np.ones((2, 4)), output="categorical", loss="mse")


@pytest.mark.parametrize("units, activation", [(1, "sigmoid"), (3, "sigmoid"), (3, "softmax")])
@pytest.mark.parametrize("subclassed", [False, True])
def test_kind_by_the_last_activation(rows, units, activation, subclassed):
    classifier = model_ending(layers.Dense(units, activation))
    if subclassed:
        classifier = Ending(getattr(ops, activation), units)
        trace(classifier, rows.x)
    expected = {"sigmoid": "bernoulli", "softmax": "categorical"}[activation]
    assert kind_of(classifier, rows.x) == expected


def test_logits_by_the_numbers_where_they_can_be_seen(rows):
    classifier = Ending(lambda logits: 5.0 * logits)
    np.testing.assert_array_equal(logits_of(classifier, rows.x), classifier(rows.x))


def trace(classifier, x, **arguments):
    """Reads within a compiled function, where there are no numbers to look at."""
    classifier(x)  # builds it
    forward = Forward(classifier, **arguments)
    compiled(lambda x: forward.read(x).logits)(ops.convert_to_tensor(x))


def test_logits_that_can_not_be_found_out(rows):
    classifier = Ending(own_softmax)
    with pytest.raises(
        ValueError, match=r"VATModel\(classifier, from_logits=True\).*needs them whole.*Received"
    ):
        trace(classifier, rows.x)
    trace(classifier, rows.x, output="categorical", from_logits=False)
    trace(classifier, rows.x, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))


def test_probabilities_without_evidence_are_refused_eagerly_too(rows):
    with pytest.raises(ValueError, match="logits or probabilities"):
        logits_of(Ending(own_softmax), rows.x)


def test_a_single_number_without_evidence_is_refused(rows):
    with pytest.raises(
        ValueError,
        match=r"VATModel.classifier, output=.... with 'categorical' \(softmax\), 'bernoulli'",
    ):
        kind_of(Ending(lambda logits: logits, units=1), rows.x)
