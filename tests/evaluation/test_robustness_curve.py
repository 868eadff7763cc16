import keras
import numpy as np
import pytest
from golden.batches import with_iterators

from keras_vat import VATModel
from keras_vat.evaluation import robustness_curve
from keras_vat.perturbations import RandomPerturbation, VirtualAdversarialPerturbation
from keras_vat.regularizers import VirtualAdversarialTraining

EPSILONS = [0.0, 0.05, 0.2, 0.5, 1.5]
DIRECTIONS = {"steep": np.array([3.0, 4.0]), "flat": np.array([1.0, -0.2])}
X = np.random.default_rng(0).normal(size=(200, 2)).astype("float32").astype("float64")
Y = (X @ [1.0, 0.3] > 0).astype("int64")


def linear(direction, outputs=2):
    """Logits (0, w x), or the sigmoid of w x: wrong on the other side of the line w x = 0."""
    activation = None if outputs == 2 else "sigmoid"
    model = keras.Sequential(
        [keras.Input((2,), dtype="float64"), keras.layers.Dense(outputs, activation, False)]
    )
    model.layers[0].dtype_policy = "float64"
    model.set_weights([np.stack([0 * direction, direction][-outputs:], axis=1)])
    return model


@pytest.fixture(scope="module")
def classifiers():
    return {name: linear(direction) for name, direction in DIRECTIONS.items()}


def margins(x, direction):
    return (2 * Y - 1) * (x @ direction)


def both_right():
    return np.all([margins(X, w) > 0 for w in DIRECTIONS.values()], axis=0)


def closed_form(kept):
    """Each image moves by epsilon straight to the source's line, seen by every judge."""
    errors = np.empty((2, 2, len(EPSILONS)))
    for i, source in enumerate(DIRECTIONS.values()):
        step = -(2 * Y - 1)[:, None] * source / np.linalg.norm(source)
        for j, judge in enumerate(DIRECTIONS.values()):
            for size, epsilon in enumerate(EPSILONS):
                errors[i, j, size] = np.mean((margins(X + epsilon * step, judge) <= 0)[kept])
    return errors


def stronger_sign(epsilon):
    """Towards the line the outputs move more than away from it."""
    return VirtualAdversarialPerturbation(epsilon, 1, "exact", sign_search=True, seed=0)


@pytest.mark.parametrize("perturbation", ["adversarial", stronger_sign])
def test_linear_classifiers_err_where_the_line_is_nearer_than_epsilon(classifiers, perturbation):
    curve = robustness_curve(classifiers, X, Y, EPSILONS, perturbation, True, batch_size=64)
    expected = closed_form(both_right())
    np.testing.assert_allclose(curve.errors, expected, atol=1e-12)
    assert curve.errors[..., 0].max() == 0 and len(np.unique(curve.errors)) > 8
    assert curve.num_images == both_right().sum() < 200
    assert curve.counted == f"the {both_right().sum()} images that all classify correctly"
    assert curve.names == ["steep", "flat"] and curve.epsilons.tolist() == EPSILONS


def test_by_default_of_all_images_one_minus_the_accuracy_under_attack(classifiers):
    curve = robustness_curve(classifiers, X, Y, EPSILONS)
    np.testing.assert_allclose(curve.errors, closed_form(np.ones(200, bool)), atol=1e-12)
    assert curve.num_images == 200 and curve.errors[0, 0, 0] > 0.1
    assert curve.counted == "all 200 images"


def test_the_attack_is_on_the_label_whatever_loss_was_compiled(classifiers):
    """Beyond the smoothed label a smoothed loss grows with the confidence in the right class."""
    smoothed = {name: keras.models.clone_model(model) for name, model in classifiers.items()}
    for name, model in smoothed.items():
        model.set_weights(classifiers[name].get_weights())
        model.compile("sgd", keras.losses.CategoricalCrossentropy(True, label_smoothing=0.5))
    found = robustness_curve(smoothed, X, Y, EPSILONS).errors
    np.testing.assert_allclose(found, closed_form(np.ones(200, bool)), atol=1e-12)


def test_in_print_it_is_a_small_table(classifiers):
    curve = robustness_curve(classifiers, X, Y, EPSILONS)
    lines = repr(curve).splitlines()
    assert "of all 200 images, %" in lines[0] and len(lines) == 4
    assert lines[1].split() == ["epsilon", "0", "0.05", "0.2", "0.5", "1.5"]
    for i, name in enumerate(DIRECTIONS):
        assert lines[2 + i].split() == [name, *(f"{100 * e:.1f}" for e in curve.errors[i, i])]
    many = curve._replace(
        names=[f"c{i}" for i in range(30)], epsilons=np.arange(50), errors=np.zeros((30, 30, 50))
    )
    lines = str(many).splitlines()
    assert len(lines) == 11 and lines[-1] == "and 22 more" and max(map(len, lines)) < 100
    assert lines[1].split()[1:3] == ["0", "8"] and lines[1].split()[-1] == "49"


def test_virtual_adversarial_goes_to_the_line_or_away_from_it(classifiers):
    curve = robustness_curve(classifiers, X, Y, EPSILONS, "virtual", True, batch_size=64)
    towards = closed_form(both_right())
    assert np.all(curve.errors <= towards + 1e-12)
    own = curve.errors[0, 0, -1] / towards[0, 0, -1]
    assert 0.3 < own < 0.7  # the power iteration leaves the sign to chance


def test_sigmoids_one_hot_labels_columns_and_vat_models_give_the_same(classifiers):
    expected = robustness_curve(classifiers, X, Y, EPSILONS, "adversarial").errors
    sigmoids = {name: linear(direction, 1) for name, direction in DIRECTIONS.items()}
    for models, x, y in (
        (sigmoids, X, Y),
        (classifiers, X, np.eye(2)[Y]),
        (classifiers, X, Y[:, None]),
        ({name: VATModel(model) for name, model in classifiers.items()}, X, Y),
    ):
        found = robustness_curve(models, x, y, EPSILONS, "adversarial").errors
        np.testing.assert_allclose(found, expected, atol=1e-12)


@with_iterators
def test_datasets_give_the_same(classifiers, batched):
    expected = robustness_curve(classifiers, X, Y, EPSILONS, "adversarial").errors
    found = robustness_curve(
        classifiers, batched((X, Y), 30), epsilons=EPSILONS, perturbation="adversarial"
    ).errors
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_examples_are_the_first_images_perturbed_more_and_more(classifiers):
    curve = robustness_curve(
        classifiers, X[:20], Y[:20], EPSILONS, correct_only=True, num_examples=5, batch_size=3
    )
    first = np.flatnonzero(both_right())[:5]
    np.testing.assert_array_equal(curve.images, X[first])
    np.testing.assert_array_equal(curve.labels, Y[first])
    assert curve.examples.shape == (2, 5, 5, 2)
    moved = np.linalg.norm(curve.examples - X[first], axis=-1)
    np.testing.assert_allclose(
        moved, np.broadcast_to(np.array(EPSILONS)[:, None], (2, 5, 5)), rtol=1e-5
    )
    for j, judge in enumerate(DIRECTIONS.values()):
        expected = (curve.examples @ judge > 0).astype("int64")
        np.testing.assert_array_equal(curve.predictions[:, j], expected)


def test_sizes_start_from_the_same_directions_and_no_state_moves(make_classifier, rows):
    models = {
        "plain": make_classifier(batch_norm=True, dropout=0.5),
        "vat": VATModel(
            make_classifier(batch_norm=True),
            VirtualAdversarialTraining(1.0, seed=0),
            batch_statistics="update",
        ),
    }
    for model in models.values():
        model(rows.x)
    before = [[np.array(v) for v in model.variables] for model in models.values()]
    y = np.argmax(models["plain"](rows.x), -1)
    one = robustness_curve(models, rows.x, y, [0.5, 1.0], lambda e: RandomPerturbation(e, seed=3))
    np.testing.assert_allclose(
        one.examples[:, 1] - one.images, 2 * (one.examples[:, 0] - one.images), atol=1e-5
    )
    np.testing.assert_allclose(one.examples[0], one.examples[1], atol=1e-6)
    for _ in range(2):
        again = robustness_curve(models, rows.x, y, [0.5, 1.0], "virtual", seed=1)
    other = robustness_curve(models, rows.x, y, [0.5, 1.0], "virtual", seed=1)
    np.testing.assert_array_equal(again.examples, other.examples)
    for model, values in zip(models.values(), before, strict=True):
        for variable, value in zip(model.variables, values, strict=True):
            np.testing.assert_array_equal(variable, value)


def test_structures_of_inputs_have_errors_but_no_examples():
    left, right = keras.Input((1,)), keras.Input((1,))
    joined = keras.layers.Concatenate()([left, right])
    model = keras.Model([left, right], keras.layers.Dense(2, use_bias=False)(joined))
    model.set_weights([np.stack([[0.0, 0.0], DIRECTIONS["steep"]], axis=1)])
    parts = [X[:, :1], X[:, 1:]]
    found = robustness_curve({"steep": model}, parts, Y, EPSILONS)
    expected = closed_form(np.ones(200, bool))[0, 0]
    np.testing.assert_allclose(found.errors[0, 0], expected, atol=0.011)
    assert found.examples is None and found.images is None


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"classifiers": {}}, TypeError, "`classifiers` must be a dictionary of name to"),
        ({"classifiers": {"b": None}}, TypeError, r"Received: classifiers\['b'\] of type NoneType"),
        ({"epsilons": []}, ValueError, r"`epsilons` must be a list .* Received: epsilons=\[\]"),
        ({"epsilons": [-1.0]}, ValueError, "`epsilons` must be a list of finite numbers"),
        ({"epsilons": [1.0, 1.0]}, ValueError, r"`epsilons` must ascend. Received: epsilons=\[1"),
        ({"perturbation": "fast"}, ValueError, "`perturbation` must be one of .'virtual', 'adv"),
        (
            {"perturbation": RandomPerturbation(1.0)},
            TypeError,
            "`perturbation` must be one of .* or a callable from epsilon to a Perturbation",
        ),
        ({"perturbation": lambda e: e}, TypeError, "must return a Perturbation .* Received: 0.5"),
        ({"y": None}, ValueError, "`y` is needed: .* give both: x, y = pair. Received: y=None"),
        ({"y": Y[:3]}, ValueError, r"the same number of rows .* Received: \[200, 3\] rows"),
        (
            {"y": Y + 0.5},
            ValueError,
            "`y` must be class numbers `.batch,.`, whole ones, or one-hot",
        ),
        ({"y": np.eye(12)[Y]}, ValueError, r"one-hot rows of the classifier's \d+ classes"),
        (
            {"y": 1 - Y, "correct_only": True},
            ValueError,
            r"there are none. Received: classifiers=\['right'\]",
        ),
        ({"num_examples": -1}, ValueError, "`num_examples` must be at least 0"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1. Received: batch_size=0"),
    ],
)
def test_refuses_wrong_arguments(arguments, kind, message):
    right = {"classifiers": {"right": linear(np.array([1.0, 0.3]))}, "x": X, "y": Y}
    with pytest.raises(kind, match=message):
        robustness_curve(**{**right, "epsilons": [0.5], **arguments})


def test_refuses_regression():
    model = VATModel(linear(DIRECTIONS["steep"]), output="gaussian")
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    plain.compile("sgd", "mse")
    for regression in (model, plain):
        with pytest.raises(ValueError, match="one class for each row.*Received: a gaussian output"):
            robustness_curve({"regression": regression}, X, Y, [0.5])
