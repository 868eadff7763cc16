"""Virtual movement training against NumPy in float64 and explicit matrices."""

import keras
import numpy as np
import pytest
from golden.precision import ROUNDED, needs_float64
from golden.weight_gradients import assert_gradients_are_differences, weight_gradients
from keras import ops

import keras_vat
from keras_vat import autodiff
from keras_vat.movement_fields import MovementField
from keras_vat.regularizers import VirtualMovementTraining

LATTICES = [(9,), (5, 7), (4, 3, 5)]


def float64(values):
    return ops.convert_to_tensor(values, "float64")


def softmax(logits):
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def linear_softmax(shape, classes=4):
    """A linear softmax model in float64 with its matrix."""
    rng = np.random.default_rng(5)
    classifier = keras.Sequential(
        [
            keras.Input(shape, dtype="float64"),
            keras.layers.Flatten(dtype="float64"),
            keras.layers.Dense(classes, dtype="float64"),
        ]
    )
    matrix = 0.1 * rng.normal(size=(int(np.prod(shape)), classes))
    classifier.set_weights([matrix, rng.normal(size=classes)])
    return classifier, matrix


def batch(shape, rows=6, classes=4):
    rng = np.random.default_rng(6)
    return float64(rng.normal(size=(rows, *shape))), rng.integers(0, classes, rows)


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


def tanh_net(shape):
    keras.utils.set_random_seed(2)
    layers = [
        keras.layers.Conv2D(3, 3, activation="tanh", padding="same", dtype="float64"),
        keras.layers.Flatten(dtype="float64"),
        keras.layers.Dense(3, dtype="float64"),
    ]
    return keras.Sequential([keras.Input(shape, dtype="float64"), *layers])


@needs_float64
@pytest.mark.parametrize("form", ["loss", "fisher"])
@pytest.mark.parametrize("name", ["shift", "rotation", "scale"])
def test_parameter_gradient_against_differences(form, name):
    shape = (4, 6, 2)
    classifier = tanh_net(shape)
    x, y = batch(shape, rows=3, classes=3)
    vmt = VirtualMovementTraining(fields=name, form=form)

    def penalty():
        return vmt.penalty(keras_vat.Forward(classifier, training=True), x, y)

    assert_gradients_are_differences(penalty, classifier.trainable_weights)


def test_combinations():
    classifier = tanh_net((5, 6, 1))
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
    classifier = tanh_net((5, 6, 1))
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
    classifier = tanh_net((4, 4, 1))
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


def compiled(classifier, regularizer):
    model = keras_vat.VATModel(classifier, regularizer)
    model.compile(
        keras.optimizers.SGD(0.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def test_semi_supervised_steps_use_the_unlabelled_rows_without_labels():
    classifier = tanh_net((5, 6, 1))
    x, y = batch((5, 6, 1), classes=3)
    unlabeled, _ = batch((5, 6, 1), rows=11)
    model = compiled(classifier, VirtualMovementTraining("shift"))
    inputs = keras_vat.SemiSupervisedInputs(x, unlabeled)
    logs = model.train_on_batch(inputs, y, return_dict=True)
    fisher = VirtualMovementTraining("shift", form="fisher")
    assert logs["vmt"] == pytest.approx(float(fisher.penalty(model, unlabeled)), rel=1e-5)
    model = compiled(classifier, VirtualMovementTraining("shift", form="loss"))
    logs = model.train_on_batch(inputs, y, return_dict=True)
    assert logs["vmt"] == pytest.approx(float(model.regularizers[0].penalty(model, x, y)), rel=1e-5)


def test_sample_weights_apply_where_labels_are_used():
    classifier = tanh_net((5, 6, 1))
    x, y = batch((5, 6, 1), classes=3)
    weights = np.array([2.0, 0, 0, 0, 0, 0])
    vmt = VirtualMovementTraining("shift")
    first = float(vmt.penalty(classifier, x[:1], y[:1]))
    assert float(vmt.penalty(classifier, x, y, weights)) == pytest.approx(2 * first / 6)
    model = compiled(classifier, vmt)
    logs = model.train_on_batch(x, y, sample_weight=weights, return_dict=True)
    assert logs["vmt"] == pytest.approx(2 * first / 6, rel=1e-5)


@keras.saving.register_keras_serializable(package="tests")
class Shear(MovementField):
    def directions(self, lattice):
        shear = np.zeros((1, *lattice, 2))
        shear[..., 1] = np.arange(lattice[0])[:, None] - (lattice[0] - 1) / 2
        return shear


def test_a_field_of_ones_own_is_used_and_saved(tmp_path):
    classifier = tanh_net((5, 6, 1))
    x, y = batch((5, 6, 1), classes=3)
    vmt = VirtualMovementTraining([Shear(), "shift"], combination="mean")
    assert set(vmt.movement(classifier, x, y)) == {"Shear", "shift"}
    model = compiled(classifier, vmt)
    model.train_on_batch(x, y)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    penalties = [float(m.regularizers[0].penalty(m, x, y)) for m in (model, loaded)]
    assert penalties[0] == penalties[1] > 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"fields": "shear"}, ValueError, "`fields` must be among"),
        ({"fields": 3}, TypeError, "`fields` must be a name, a MovementField, or a list"),
        ({"fields": []}, ValueError, "`fields` must hold at least one field"),
        ({"fields": ["shift", "shift"]}, ValueError, "each of them once"),
        ({"combination": "sum"}, ValueError, "`combination` must be one of"),
        ({"form": "kl"}, ValueError, "`form` must be one of"),
        ({"data_format": "NHWC"}, ValueError, "`data_format` must be one of"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        VirtualMovementTraining(**arguments)


def test_the_loss_needs_labels_and_a_lattice():
    classifier, _ = linear_softmax((9, 2))
    x, y = batch((9, 2))
    with pytest.raises(ValueError, match="`y` is needed by 'vmt'"):
        VirtualMovementTraining(form="loss").penalty(classifier, x)
    flat = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    with pytest.raises(ValueError, match="must lie on a lattice"):
        VirtualMovementTraining().penalty(flat, np.ones((2, 4), "float32"), y[:2])
