"""Virtual movement training against NumPy in float64 and explicit matrices."""

import keras
import numpy as np
import pytest
from golden.lattices import batch, convolutional_net, linear_softmax
from golden.precision import ROUNDED, needs_float64
from golden.tanh_net import softmax
from golden.weight_gradients import assert_gradients_are_differences, weight_gradients
from keras import ops

import keras_vat
from keras_vat import autodiff
from keras_vat.regularizers import VirtualMovementTraining

LATTICES = [(9,), (5, 7), (4, 3, 5)]


def changes(x, name):
    """dI for every direction of a field, each of mean squared length 1, by `numpy.gradient`."""
    lattice = x.shape[1:-1]
    axes = range(len(lattice))
    slope = [np.gradient(x, axis=axis + 1) for axis in axes]
    positions = [
        (np.arange(size) - (size - 1) / 2).reshape([-1 if a == axis else 1 for a in axes] + [1])
        for axis, size in enumerate(lattice)
    ]
    mean_square = [(size**2 - 1) / 12 for size in lattice]
    if name == "shift":
        return slope
    if name == "scale":
        return [positions[a] * slope[a] / np.sqrt(mean_square[a]) for a in axes]
    return [
        (positions[a] * slope[b] - positions[b] * slope[a])
        / np.sqrt(mean_square[a] + mean_square[b])
        for a in axes
        for b in axes
        if a < b
    ]


CASES = [
    (lattice, name)
    for lattice in LATTICES
    for name in ("shift", "rotation", "scale")
    if (name, len(lattice)) != ("rotation", 1)
]


@pytest.mark.parametrize(("lattice", "name"), CASES)
@pytest.mark.parametrize("loss", ["cross-entropy", "squared error"])
def test_closed_form_on_a_linear_softmax_model(lattice, name, loss):
    shape = (*lattice, 2)
    classifier, matrix = linear_softmax(shape)
    x, y = batch(shape)
    p = softmax(np.reshape(x, (len(y), -1)) @ matrix + classifier.get_weights()[1])
    error = p - np.eye(4)[y]
    if loss == "cross-entropy":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        slope, labels = error, y
    else:

        def loss(y_true, y_pred):
            return ops.sum(ops.square(ops.softmax(y_pred) - y_true), -1)

        slope, labels = 2 * p * (error - np.sum(error * p, -1, keepdims=True)), np.eye(4)[y]
    g = (slope @ matrix.T).reshape(x.shape)
    g /= np.sqrt(np.sum(g**2, axis=tuple(range(1, x.ndim)), keepdims=True))
    axes = tuple(range(1, x.ndim))
    a = np.stack([np.sum(g * change, axis=axes) for change in changes(np.array(x), name)], -1)
    expected = np.mean(np.linalg.norm(a, axis=-1))

    model = keras_vat.VATModel(classifier, output="categorical", from_logits=True)
    model.compile("sgd", loss)
    vmt = VirtualMovementTraining(fields=name)
    assert float(vmt.penalty(model, x, labels)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("lattice", LATTICES)
def test_speed_of_the_loss_as_the_example_really_moves(lattice):
    """R / ||g|| is the change of the loss for a small step along the field that was found."""
    shape = (*lattice, 1)
    classifier, _ = linear_softmax(shape)
    x, y = batch(shape)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    loss = cross_entropy(y, classifier(x))
    gradient = autodiff.gradient(lambda at: cross_entropy(y, classifier(at[0])), [x])[0]
    norm = np.linalg.norm(np.reshape(gradient, (len(y), -1)), axis=-1)
    found = VirtualMovementTraining(fields=["shift", "scale"]).movement(classifier, x, y)
    for speed, field in found.values():
        moved = np.array(x)
        for axis in range(len(lattice)):
            slope = np.gradient(np.array(x), axis=axis + 1)
            moved += 1e-4 * np.array(field)[..., axis, None] * slope
        faster = (cross_entropy(y, classifier(moved)) - loss) / 1e-4
        np.testing.assert_allclose(speed * norm, faster, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(("lattice", "name"), CASES)
def test_fisher_form_against_the_explicit_matrix(lattice, name):
    shape = (*lattice, 2)
    classifier, matrix = linear_softmax(shape)
    x, _ = batch(shape)
    p = softmax(np.reshape(x, (len(x), -1)) @ matrix + classifier.get_weights()[1])
    along = [change.reshape(len(p), -1) for change in changes(np.array(x), name)]
    largest = []
    for row, probabilities in enumerate(p):
        fisher = np.diag(probabilities) - np.outer(probabilities, probabilities)
        tangents = np.stack([change[row] for change in along], -1)
        form = tangents.T @ matrix @ fisher @ matrix.T @ tangents
        largest.append(np.sqrt(np.linalg.eigvalsh(form)[-1]))
    penalty = VirtualMovementTraining(fields=name).penalty(classifier, x)
    assert float(penalty) == pytest.approx(np.mean(largest), rel=ROUNDED)


@needs_float64
@pytest.mark.parametrize("form", ["loss", "fisher"])
@pytest.mark.parametrize("name", ["shift", "rotation", "scale"])
def test_parameter_gradient_against_differences(form, name):
    shape = (4, 6, 2)
    classifier = convolutional_net(shape)
    x, y = batch(shape, rows=3, classes=3)
    vmt = VirtualMovementTraining(fields=name, form=form)

    def penalty():
        return vmt.penalty(keras_vat.Forward(classifier, training=True), x, y)

    assert_gradients_are_differences(penalty, classifier.trainable_weights)


def test_combinations():
    classifier = convolutional_net((5, 6, 1))
    x, y = batch((5, 6, 1), classes=3)
    names = ("shift", "rotation", "scale")
    singles = [float(VirtualMovementTraining(name).penalty(classifier, x, y)) for name in names]
    mean = VirtualMovementTraining(combination="mean").penalty(classifier, x, y)
    assert float(mean) == pytest.approx(np.mean(singles), rel=ROUNDED)
    random = VirtualMovementTraining(seed=4)
    drawn = [float(random.penalty(classifier, x, y)) for _ in range(20)]
    assert len(set(drawn)) == 20
    assert min(singles) < min(drawn) < np.mean(singles) < max(drawn) < max(singles)


def test_random_weights_are_those_of_eq_23():
    classifier = convolutional_net((5, 6, 1))
    x, y = batch((5, 6, 1), classes=3)
    singles = [
        float(VirtualMovementTraining(name).penalty(classifier, x, y))
        for name in ("shift", "rotation", "scale")
    ]
    w = np.array(keras.random.uniform((3,), seed=keras.random.SeedGenerator(4)))
    penalty = VirtualMovementTraining(seed=4).penalty(classifier, x, y)
    assert float(penalty) == pytest.approx(w @ singles / w.sum(), rel=1e-6)


def test_rotations_of_signals_are_left_out_of_a_combination():
    classifier, _ = linear_softmax((9, 2))
    x, y = batch((9, 2))
    both = VirtualMovementTraining(["shift", "scale"], "mean").penalty(classifier, x, y)
    cure = r"read as \(9,\).*\['rotation'\] have none.*give images a channel axis, `x\[..., None"
    with pytest.warns(UserWarning, match=cure):
        assert VirtualMovementTraining(combination="mean").penalty(classifier, x, y) == both
    with pytest.raises(ValueError, match=cure):
        VirtualMovementTraining("rotation").penalty(classifier, x, y)


def test_all_channels_and_inputs_move_together():
    image, depth = keras.Input((4, 5, 2), name="image"), keras.Input((4, 5, 1), name="depth")
    flags = keras.Input((3,), name="flags")
    flat = [keras.layers.Flatten()(part) for part in (image, depth)]
    classifier = keras.Model(
        {"image": image, "depth": depth, "flags": flags},
        keras.layers.Dense(3)(keras.layers.Concatenate()([*flat, flags])),
    )
    matrix, _ = classifier.get_weights()
    joined = keras.Sequential(
        [keras.Input((4, 5, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    rows = np.concatenate(
        [matrix[:40].reshape(4, 5, 2, 3), matrix[40:60].reshape(4, 5, 1, 3)], axis=2
    )
    joined.set_weights([rows.reshape(60, 3), np.zeros(3)])
    x = np.random.default_rng(0).normal(size=(4, 4, 5, 3)).astype("float32")
    parts = {"image": x[..., :2], "depth": x[..., 2:], "flags": np.zeros((4, 3), "float32")}
    vmt = VirtualMovementTraining(combination="mean")
    assert float(vmt.penalty(classifier, parts)) == pytest.approx(
        float(vmt.penalty(joined, x)), rel=1e-5
    )


def test_channels_first_gives_the_same_penalty():
    x, y = batch((4, 5, 2))
    classifier, _ = linear_softmax((4, 5, 2))
    permuted = keras.Sequential(
        [keras.Input((2, 4, 5), dtype="float64"), keras.layers.Permute((2, 3, 1)), classifier]
    )
    first = VirtualMovementTraining(combination="mean", data_format="channels_first")
    last = VirtualMovementTraining(combination="mean")
    assert float(first.penalty(permuted, ops.transpose(x, (0, 3, 1, 2)), y)) == pytest.approx(
        float(last.penalty(classifier, x, y)), rel=1e-6
    )


@pytest.mark.parametrize("form", ["loss", "fisher"])
def test_examples_without_slope_give_zero_and_no_nan(form):
    """A constant image does not change as it moves; a dead net has no gradient at all."""
    classifier = convolutional_net((4, 4, 1))
    constant, y = ops.ones((2, 4, 4, 1), "float64"), np.array([0, 1])
    vmt = VirtualMovementTraining(combination="mean", form=form)
    dead = keras.models.clone_model(classifier)
    dead.set_weights([0 * weight for weight in classifier.get_weights()])
    random, _ = batch((4, 4, 1), rows=2)
    for model, x in ((classifier, constant), (dead, random)):
        forward = keras_vat.Forward(model, training=True)
        penalty, gradients = weight_gradients(
            lambda: vmt.penalty(forward, x, y),  # noqa: B023
            model.trainable_weights,
        )
        assert float(penalty) == 0.0
        assert all(np.all(np.isfinite(gradient)) for gradient in gradients)
