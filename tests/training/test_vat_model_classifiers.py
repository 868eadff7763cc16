"""Which classifiers train: every Keras way to write one, several inputs, every kind of output."""

import keras
import numpy as np
import pytest
from golden.quick import QUICK
from keras import layers, ops

from keras_vat import SemiSupervisedInputs, VATModel, regularizers

CURVATURES = ("exact", "logit_difference", "finite_difference")


def vat(**arguments):
    return regularizers.VirtualAdversarialTraining(**{"epsilon": 0.5, "seed": 1, **arguments})


def fit_once(model, x, y, **arguments):
    """One epoch; the logs of a run whose numbers are all finite."""
    history = model.fit(x, y, batch_size=6, verbose=0, **arguments).history
    assert np.all(np.isfinite(list(history.values())))
    return {name: values[-1] for name, values in history.items()}


class Subclassed(keras.Model):
    """Built by its first batch."""

    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(6, "tanh")
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(3)

    def call(self, x):
        return self.head(self.norm(self.hidden(x)))


class SubclassedWithTraining(Subclassed):
    def __init__(self):
        super().__init__()
        self.dropout = layers.Dropout(0.5)

    def call(self, x, training=None):
        x = self.norm(self.hidden(x), training=training)
        return self.head(self.dropout(x, training=training))


def functional():
    inputs = keras.Input((4,))
    hidden = layers.Dense(6, "tanh")(inputs)
    hidden = layers.Dropout(0.5)(layers.BatchNormalization()(hidden))
    return keras.Model(inputs, layers.Dense(3)(hidden))


def unbuilt_sequential():
    return keras.Sequential(
        [layers.Dense(6), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3)]
    )


def nested():
    inputs = keras.Input((4,))
    return keras.Model(inputs, functional()(inputs))


@pytest.mark.parametrize("policy", ["auto", "moving", "update"])
@pytest.mark.parametrize(
    "build", [Subclassed, SubclassedWithTraining, functional, unbuilt_sequential, nested]
)
def test_classifiers_train(make_vat_model, rows, build, policy):
    model = make_vat_model(vat(), build(), {"batch_statistics": policy}, run_eagerly=True)
    logs = fit_once(model, rows.x, rows.y)
    assert logs["vat"] > 0
    assert model.built and model.classifier.built


@pytest.mark.parametrize("build", [Subclassed, SubclassedWithTraining, unbuilt_sequential])
@pytest.mark.parametrize("run_eagerly", [False, True])
def test_classifiers_built_by_fit_train_as_if_built_before(
    make_vat_model, rows, build, run_eagerly
):
    states = []
    for built in (False, True):
        keras.utils.set_random_seed(0)
        classifier = build()
        if built:
            classifier(rows.x)
        model = make_vat_model(
            vat(), classifier, {"batch_statistics": "moving"}, run_eagerly=run_eagerly
        )
        model.fit(rows.x, rows.y, batch_size=6, shuffle=False, verbose=0)
        states.append([np.array(variable.value) for variable in classifier.variables])
    for lazy, expected in zip(*states, strict=True):
        np.testing.assert_array_equal(lazy, expected)


def test_keras_application(make_vat_model):
    classifier = keras.applications.MobileNet(
        input_shape=(32, 32, 3), alpha=0.25, weights=None, classes=3
    )
    model = make_vat_model(
        vat(),
        classifier,
        loss=keras.losses.SparseCategoricalCrossentropy(),
        run_eagerly=True,
    )
    x = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3)).astype("float32")
    moving_mean = next(w for w in classifier.non_trainable_weights if w.name == "moving_mean")
    before = np.array(moving_mean.value)
    logs = model.train_on_batch(x, np.array([0, 1, 2, 0]), return_dict=True)
    assert np.isfinite(logs["vat"]) and logs["vat"] > 0
    assert np.any(before != moving_mean.value)


def mixed_inputs(wrap):
    """A classifier of two float inputs and one of integers, given as `wrap` arranges them."""
    a, b = keras.Input((2,), name="a"), keras.Input((2, 1), name="b")
    token = keras.Input((), dtype="int32", name="token")
    parts = [a, layers.Flatten()(b), layers.Embedding(4, 2)(token)]
    hidden = layers.Dense(6, "tanh")(layers.Concatenate()(parts))
    return keras.Model(wrap(a, b, token), layers.Dense(3)(hidden))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda a, b, token: {"a": a, "b": b, "token": token},
        lambda a, b, token: [a, token, b],
        lambda a, b, token: (token, a, b),
    ],
    ids=["dict", "list", "tuple"],
)
@pytest.mark.parametrize("semi_supervised", [False, True])
def test_several_inputs(make_vat_model, rows, wrap, semi_supervised):
    classifier = mixed_inputs(wrap)
    method = vat()
    model = make_vat_model(method, classifier)
    token = (np.arange(20) % 4).astype("int32")

    def inputs(x, token):
        return wrap(x[:, :2], x[:, 2:, None], token)

    x = inputs(rows.x, token[:12])
    if semi_supervised:
        x = SemiSupervisedInputs(inputs(rows.x, token[:12]), inputs(rows.unlabeled, token))
        logs = model.train_on_batch(x, rows.y, return_dict=True)
        assert np.isfinite(logs["vat"]) and logs["vat"] > 0
        x = x.labeled
    else:
        fit_once(model, x, rows.y)
    r = method.perturbation(classifier, x)
    flat = [np.asarray(part) for part in keras.tree.flatten(r)]
    floats = [part.reshape(12, -1) for part in flat if part.dtype == "float32"]
    assert len(floats) == 2 and all(np.any(part) for part in floats)
    norm = np.sqrt(sum((part**2).sum(axis=1) for part in floats))
    np.testing.assert_allclose(norm, 0.5, rtol=1e-5)
    assert not np.any([part for part in flat if part.dtype == "int32"])


def ending(make_last):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), layers.Dense(6, "tanh"), *make_last()])


SPARSE = keras.losses.SparseCategoricalCrossentropy


@pytest.mark.parametrize(
    "make_last, from_logits",
    [
        (lambda: [layers.Dense(3)], True),
        (lambda: [layers.Dense(3, "softmax")], False),
        (lambda: [layers.Dense(3), layers.Softmax()], False),
        (lambda: [layers.Dense(3), layers.Activation("softmax")], False),
        (lambda: [layers.Dense(3), layers.Activation("linear")], True),
    ],
    ids=["logits", "softmax", "softmax_layer", "activation_layer", "linear_activation"],
)
def test_every_categorical_ending_trains_alike(make_vat_model, rows, make_last, from_logits):
    loss = SPARSE(from_logits=from_logits)
    model = make_vat_model(vat(), ending(make_last), loss=loss)
    logs = fit_once(model, rows.x, rows.y, shuffle=False)
    model = make_vat_model(vat(), ending(lambda: [layers.Dense(3)]))
    assert logs == pytest.approx(fit_once(model, rows.x, rows.y, shuffle=False), rel=1e-4)


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_bernoulli_outputs(make_vat_model, rows, units, activation):
    loss = keras.losses.BinaryCrossentropy(from_logits=activation is None)
    methods = [vat(), regularizers.AdversarialTraining(0.1), regularizers.EntropyMinimization()]
    model = make_vat_model(methods, ending(lambda: [layers.Dense(units, activation)]), loss=loss)
    y = (rows.x[:, :units] > 0).astype("float32")
    logs = fit_once(model, rows.x, y)
    assert logs["vat"] > 0 and logs["at"] > 0 and logs["entropy"] > 0
    assert model.forward().clean(ops.convert_to_tensor(rows.x)).distribution.name == "bernoulli"


@pytest.mark.parametrize("units", [1, 2])
def test_regression(make_vat_model, rows, units):
    methods = [vat(), regularizers.AdversarialTraining(0.1)]
    model = make_vat_model(methods, ending(lambda: [layers.Dense(units)]), loss="mse")
    y = rows.x[:, 0] if units == 1 else rows.x[:, :2]
    logs = fit_once(model, rows.x, y)
    assert logs["vat"] > 0 and logs["at"] > 0
    assert model.forward().clean(ops.convert_to_tensor(rows.x)).distribution.name == "gaussian"


def sequence_classifier(kind):
    inputs = keras.Input((5, 3))
    if kind == "lstm":
        hidden = layers.LSTM(4)(inputs)
    else:
        attended = layers.MultiHeadAttention(2, 3)(inputs, inputs)
        hidden = layers.GlobalAveragePooling1D()(attended)
    return keras.Model(inputs, layers.Dense(3)(hidden))


@pytest.fixture
def sequences():
    return np.random.default_rng(0).normal(size=(6, 5, 3)).astype("float32")


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("kind", ["lstm", "attention"])
def test_sequence_classifiers(make_vat_model, rows, sequences, kind, curvature):
    classifier = sequence_classifier(kind)
    model = make_vat_model(vat(curvature=curvature), classifier, **QUICK)
    assert fit_once(model, sequences, rows.y[:6])["vat"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lstm", "attention"])
def test_sequence_classifiers_under_xla(make_vat_model, rows, sequences, kind):
    plain, compiled = (
        make_vat_model(vat(), sequence_classifier(kind), jit_compile=jit) for jit in (False, True)
    )
    compiled.classifier.set_weights(plain.classifier.get_weights())
    logs, expected = (fit_once(model, sequences, rows.y[:6]) for model in (compiled, plain))
    # XLA draws other noise from the same seed, so the penalties only resemble each other.
    assert logs["supervised_loss"] == pytest.approx(expected["supervised_loss"], rel=1e-4)
    assert 0.2 < logs["vat"] / expected["vat"] < 5


def test_the_classifier_is_trained_in_place(make_classifier, make_vat_model, rows):
    classifier = make_classifier()
    model = make_vat_model(vat(), classifier)
    assert model.classifier is classifier
    before = classifier.get_weights()
    fit_once(model, rows.x, rows.y)
    assert np.any(before[0] != classifier.get_weights()[0])
    assert model.trainable_variables == classifier.trainable_variables


def test_frozen_classifier_warns_as_keras_does(make_classifier, make_vat_model, rows):
    classifier = make_classifier()
    classifier.trainable = False
    model = make_vat_model(vat(), classifier)
    with pytest.warns(UserWarning, match="no trainable weights"):
        model.train_on_batch(rows.x, rows.y)


def test_partly_frozen_classifier_trains_the_rest(make_classifier, make_vat_model, rows):
    classifier = make_classifier(batch_norm=True)
    classifier.layers[0].trainable = False
    model = make_vat_model(vat(), classifier, {"batch_statistics": "moving"})
    before = classifier.layers[0].get_weights(), classifier.layers[-1].get_weights()
    fit_once(model, rows.x, rows.y)
    np.testing.assert_array_equal(classifier.layers[0].get_weights()[0], before[0][0])
    assert np.any(classifier.layers[-1].get_weights()[0] != before[1][0])
    assert not classifier.layers[0].trainable


def test_one_regularizer_needs_no_list(make_classifier):
    method = vat()
    assert VATModel(make_classifier(), method).regularizers == [method]
