"""What a penalty is worth: the same whatever the number of labels, positions and empty rows."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_vat
from keras_vat.evaluation import local_distributional_smoothness
from keras_vat.regularizers import AdversarialTraining, EntropyMinimization
from keras_vat.regularizers.registry import REGULARIZERS

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(size=(8, 6, 6, 1)).astype("float32")
every_method = pytest.mark.parametrize("method", sorted(REGULARIZERS))


def repeated(outputs, times=None, labels=1):
    """Images to logits that say the same for each of several positions, or for several labels."""
    keras.utils.set_random_seed(1)
    stack = [keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(5, "tanh")]
    head = layers.Dense(outputs * labels)
    stack += [head] if times is None else [head, layers.RepeatVector(times)]
    model = keras.Sequential(stack)
    kernel = np.random.default_rng(2).normal(size=(5, outputs))
    head.set_weights([np.tile(kernel, labels), np.zeros(outputs * labels)])
    return model


def penalty(regularizer, classifier, y, output="categorical"):
    model = keras_vat.VATModel(classifier, output=output, from_logits=True)
    return float(regularizer.penalty(model, IMAGES, y, training=True))


@every_method
def test_positions_that_say_the_same_say_it_once(make, method):
    y = np.arange(8) % 3
    one = penalty(make(method), repeated(3), y)
    seven = penalty(make(method), repeated(3, times=7), np.tile(y[:, None], 7))
    assert one > 0 and seven == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize("output", ["bernoulli", "gaussian"])
@every_method
def test_labels_that_say_the_same_say_it_once(make, method, output):
    if method == "fat" or (method, output) == ("entropy", "gaussian"):
        pytest.skip("is refused")
    y = np.arange(8) % 2
    one = penalty(make(method), repeated(1), y[:, None], output)
    four = np.tile(y[:, None], 4)
    assert penalty(make(method), repeated(1, labels=4), four, output) == pytest.approx(
        one, rel=1e-4
    )


@pytest.mark.parametrize("times", [None, 7])
@every_method
def test_rows_of_weight_0_count_in_no_penalty(make, method, times):
    """Whatever stands in them."""
    model, y = keras_vat.VATModel(repeated(3, times), from_logits=True), np.arange(8) % 3
    y = y if times is None else np.tile(y[:, None], times)
    weight = np.array([1, 2, 0, 0.5, 0, 1, 1, 1], "float32")[:, None]
    other = np.where(weight[:, :, None, None] == 0, 1 - IMAGES, IMAGES)
    first, second, alike = (
        float(make(method).penalty(model, x, labels, sample_weight=w))
        for x, labels, w in (
            (IMAGES, y, weight),
            (other, np.where(weight.reshape(-1, *[1] * (y.ndim - 1)) == 0, 1, y), weight),
            (other, y, None),
        )
    )
    # The step of differences follows the size of all rows, hence the tolerance.
    assert first == pytest.approx(second, rel=1e-3) and first != pytest.approx(alike, rel=4e-3)


@pytest.mark.usefixtures("optimized")
def test_without_labels_it_is_the_mean_over_the_rows_whose_weight_is_not_0(make):
    classifier = repeated(3)
    weight = np.array([1, 2, 0, 0.5, 0, 1, 1, 1])
    found = EntropyMinimization().penalty(classifier, IMAGES, sample_weight=weight)
    expected = EntropyMinimization().penalty(classifier, IMAGES[weight != 0])
    assert float(found) == pytest.approx(float(expected), rel=1e-6)
    vat, twin = make("vat"), make("vat")
    smoothness = local_distributional_smoothness(classifier, IMAGES, perturbation=twin.perturbation)
    found = float(vat.penalty(classifier, IMAGES, sample_weight=weight))
    assert found == pytest.approx(smoothness[weight != 0].mean(), rel=1e-5)


def test_positions_of_weight_0_count_in_no_penalty():
    classifier = keras.Sequential([keras.Input((5, 3)), layers.Dense(4)])
    x = RANDOM.normal(size=(6, 5, 3)).astype("float32")
    logits = np.array(classifier(x), "float64")
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    entropy = -np.sum(p * np.log(p), -1)
    counts = np.arange(5) < np.array([5, 3, 1, 4, 0, 2])[:, None]
    expected = [row[mask].mean() for row, mask in zip(entropy, counts, strict=True) if mask.any()]
    for weight in (2.0 * counts, 2.0 * counts[:, :, None] * np.ones(4)):
        found = EntropyMinimization().penalty(classifier, x, sample_weight=weight)
        assert float(found) == pytest.approx(np.mean(expected), rel=1e-5)


def sequences():
    """Padded behind 1 to 5 steps."""
    x = RANDOM.normal(size=(8, 5, 3)).astype("float32")
    return np.where(np.arange(5)[:, None] <= (np.arange(8) % 5)[:, None, None], x, 0)


LOSSES = keras.losses
SPARSE = LOSSES.SparseCategoricalCrossentropy(from_logits=True)
STEPS = [keras.Input((5, 3)), layers.Dense(3)]
CLASSES = RANDOM.integers(0, 3, 8)
POSITIONS = RANDOM.integers(0, 3, (8, 5))
ROWS = RANDOM.normal(size=(8, 6)).astype("float32")
WEIGHTS = np.array([1, 2, 0, 0.5, 0, 1, 1, 3], "float32")


def flat(outputs, activation=None):
    return [keras.Input((6,)), layers.Dense(outputs, activation)]


# Layers, loss, inputs, labels, sample weights.
CASES = {
    "one label": (flat(3), SPARSE, ROWS, CLASSES, None),
    "four labels": (
        flat(4),
        LOSSES.BinaryCrossentropy(from_logits=True),
        ROWS,
        RANDOM.integers(0, 2, (8, 4)),
        WEIGHTS,
    ),
    "five positions": (STEPS, SPARSE, sequences(), POSITIONS, None),
    "16 x 16": (
        [keras.Input((16, 16, 3)), layers.Conv2D(4, 3, padding="same")],
        LOSSES.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3),
        RANDOM.normal(size=(8, 16, 16, 3)).astype("float32"),
        RANDOM.integers(0, 4, (8, 16, 16)),
        None,
    ),
    "ignored class": (
        STEPS,
        LOSSES.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2),
        sequences(),
        POSITIONS,
        None,
    ),
    "padding": (
        [STEPS[0], layers.Masking(), layers.Dense(3)], SPARSE, sequences(), POSITIONS, None
    ),
    "weights of rows": (flat(3), SPARSE, ROWS, CLASSES, WEIGHTS),
    "weights of positions": (
        STEPS, SPARSE, sequences(), POSITIONS, RANDOM.integers(0, 3, (8, 5)).astype("float32")
    ),
    "label smoothing": (
        flat(3, "softmax"), LOSSES.CategoricalCrossentropy(label_smoothing=0.2), ROWS,
        np.eye(3)[CLASSES], WEIGHTS,
    ),
    "by name": (flat(3, "softmax"), "sparse_categorical_crossentropy", ROWS, CLASSES, None),
    "in a list": (flat(3), [SPARSE], ROWS, CLASSES[:, None], None),
    "focal": (flat(1, "sigmoid"), LOSSES.BinaryFocalCrossentropy(), ROWS, CLASSES % 2, None),
    "four numbers": (flat(4), "mean_squared_error", ROWS, RANDOM.normal(size=(8, 4)), None),
    "of one's own": (
        flat(3), lambda y, p: keras.ops.mean((y - p) ** 4, -1), ROWS, np.eye(3)[CLASSES], None
    ),
    "a sum": (flat(4), LOSSES.MeanSquaredError("sum"), ROWS, RANDOM.normal(size=(8, 4)), WEIGHTS),
}  # fmt: skip


def model_of_case(name, at):
    stack, loss, x, y, weight = CASES[name]
    output = "gaussian" if name == "of one's own" else "auto"
    model = keras_vat.VATModel(keras.Sequential(stack), at, output=output)
    model.compile(keras.optimizers.SGD(0.0), loss, loss_weights=[0.5], jit_compile=False)
    return model, x, y, weight


@pytest.mark.parametrize("name", sorted(set(CASES) - {"16 x 16"}))
def test_adversarial_training_is_the_compiled_loss_as_epsilon_goes_to_0(name):
    at = AdversarialTraining(1e-7)
    model, x, y, weight = model_of_case(name, at)
    tensor = keras.ops.convert_to_tensor(y)
    expected = model.compute_loss(y=tensor, y_pred=model(x), sample_weight=weight)
    assert float(at.penalty(model, x, y, weight)) == pytest.approx(float(expected), rel=2e-5)


@pytest.mark.parametrize("name", ["four labels", "five positions", "16 x 16"])
def test_in_a_step_adversarial_training_is_the_supervised_loss_as_epsilon_goes_to_0(name):
    model, x, y, weight = model_of_case(name, AdversarialTraining(1e-7))
    logs = model.train_on_batch(x, y, weight, return_dict=True)
    assert float(logs["at"]) == pytest.approx(float(logs["supervised_loss"]), rel=2e-5)


def test_the_direction_is_that_of_the_compiled_loss():
    """Of the smoothed label's, against NumPy."""
    model = keras.Sequential(flat(3))
    model.compile("sgd", LOSSES.CategoricalCrossentropy(from_logits=True, label_smoothing=0.6))
    kernel, bias = map(np.float64, model.get_weights())
    targets = 0.4 * np.eye(3)[CLASSES] + 0.2

    def log_softmax(x):
        logits = x @ kernel + bias
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    x = np.float64(ROWS)
    gradient = (np.exp(log_softmax(x)) - targets) @ kernel.T
    moved = x + 0.7 * gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    expected = -np.mean(np.sum(targets * log_softmax(moved), 1))
    found = AdversarialTraining(0.7).penalty(model, ROWS, np.eye(3)[CLASSES])
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", LOSSES.BinaryCrossentropy()])
def test_a_loss_of_saturated_probabilities_is_that_of_their_logits(loss):
    """Keras clips it on JAX, and its gradient ends there."""
    binary = not isinstance(loss, str)
    model = keras.Sequential(flat(1, "sigmoid") if binary else flat(2, "softmax"))
    model.compile("sgd", loss)
    model.layers[0].kernel.assign(np.eye(6)[:, :1] if binary else 0.5 * np.eye(6)[:, :2])
    x = np.zeros((2, 6), "float32")
    x[:, 0] = [30.0, -30.0] if binary else [60.0, -60.0]  # a logit of 30 or -30
    y = np.array([0, 0]) if binary else np.array([1, 1])
    r = np.array(AdversarialTraining(1.0).perturbation(model, x, y))
    np.testing.assert_allclose(np.linalg.norm(r, axis=-1), 1.0, rtol=1e-5)
    assert np.all(r[:, 0] > 0.5)
    found = float(AdversarialTraining(1e-6).penalty(model, x, y))
    assert found == pytest.approx(15.0, rel=1e-5)


@pytest.mark.parametrize(
    ("method", "training"), [("fat", False), *((method, True) for method in sorted(REGULARIZERS))]
)
def test_a_penalty_by_hand_changes_no_metric_and_nothing_of_the_classifier(make, method, training):
    hidden = [layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3)]
    classifier = keras.Sequential([keras.Input((6, 6, 1)), *repeated(3).layers[:-1], *hidden])
    regularizer = make(method)
    model = keras_vat.VATModel(classifier, regularizer)
    model.compile("sgd", SPARSE)
    owners = [classifier, *model.metrics, *regularizer.metrics]
    kept = [variable for owner in owners for variable in owner.variables]
    before = [np.array(variable) for variable in kept]
    regularizer.penalty(model, IMAGES, np.arange(8) % 3, training=training)
    for variable, value in zip(kept, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert len(kept) > 12
