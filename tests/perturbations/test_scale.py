"""`scale`: r = epsilon * scale * u, with u what is searched for."""

import keras
import numpy as np
import pytest
from golden.norms import norms, unit
from golden.tanh_net import softmax
from keras import layers, ops
from keras.ops import convert_to_tensor as tensor

from keras_vat import Forward, VATModel, perturbations, regularizers
from keras_vat.perturbations.coordinates import Coordinates
from keras_vat.perturbations.step_size import smallest_step

X = np.random.default_rng(1).normal(size=(6, 5))
Y = np.array([0, 1, 2, 3, 0, 1])
SCALE = np.array([1.0, 0.0, 3.0, 0.5, 10.0])


@pytest.mark.parametrize("curvature", ["exact", "logit_difference", "finite_difference"])
def test_r_is_the_longest_axis_of_the_explicit_ellipsoid(net, model, curvature):
    """The top eigenvector of S H S, seen from u, is S u between the inputs."""
    perturbation = perturbations.VirtualAdversarialPerturbation(
        2.0, 40, curvature, xi=None if curvature == "exact" else 1e-4, seed=0, scale=SCALE
    )
    r = ops.convert_to_numpy(perturbation(model, tensor(X)))
    _, vectors = np.linalg.eigh(SCALE[:, None] * net.hessian(X) * SCALE)
    expected = 2.0 * SCALE * vectors[:, :, -1]
    expected *= np.sign(np.sum(expected * r, axis=1, keepdims=True))
    np.testing.assert_allclose(r, expected, atol=0.02)
    assert (r[:, 1] == 0).all()


def test_the_best_sign_is_looked_for_at_the_scaled_step(model):
    both = perturbations.VirtualAdversarialPerturbation(1.0, 1, "exact", seed=0, scale=SCALE)
    best = perturbations.VirtualAdversarialPerturbation(
        1.0, 1, "exact", sign_search=True, seed=0, scale=SCALE
    )
    r = ops.convert_to_numpy(both(model, tensor(X)))
    p = softmax(np.array(model(X)))

    def divergence(step):
        return np.sum(p * np.log(p / softmax(np.array(model(X + step)))), axis=1)

    expected = np.where((divergence(r) >= divergence(-r))[:, None], r, -r)
    np.testing.assert_allclose(best(model, tensor(X)), expected, atol=1e-9)


def test_a_random_direction_is_uniform_among_the_scaled_coordinates(model):
    r = perturbations.RandomPerturbation(2.0, seed=0, scale=SCALE)(model, X)
    u = perturbations.RandomPerturbation(2.0, seed=0, mask=SCALE > 0)(model, X)
    np.testing.assert_allclose(r, SCALE * ops.convert_to_numpy(u), rtol=1e-6)


def test_adversarial_of_a_linear_model_in_closed_form():
    w = np.random.default_rng(4).normal(size=(5, 4))
    layer = layers.Dense(4, use_bias=False, dtype="float64")
    linear = keras.Sequential([keras.Input((5,), dtype="float64"), layer])
    linear.set_weights([w])
    gradient = (softmax(X @ w) - np.eye(4)[Y]) @ w.T
    r = perturbations.AdversarialPerturbation(0.5, scale=SCALE)(linear, X, Y)
    np.testing.assert_allclose(r, 0.5 * SCALE * unit(SCALE * gradient), rtol=1e-6, atol=1e-9)


def test_ones_are_no_scale(model):
    of = [
        perturbations.VirtualAdversarialPerturbation(0.5, 2, seed=0, scale=scale)(model, X)
        for scale in (None, 1.0, np.ones(5))
    ]
    np.testing.assert_array_equal(of[0], of[1])
    np.testing.assert_array_equal(of[0], of[2])


def test_rows_of_years_are_searched_within_some_standard_deviations():
    x = tensor(2000.0 + X.astype("float32"))
    step = smallest_step([layers.Dense(1)], x, Coordinates(scale=np.ones(5)))
    assert float(step) == pytest.approx(1e-2 * np.sqrt(5))
    near = smallest_step([layers.Dense(1)], tensor(X.astype("float32")), Coordinates(scale=2.0))
    assert float(near) == pytest.approx(1e-2 * np.sqrt(np.mean(np.sum(X**2, 1))) / 2, rel=1e-5)


def test_bad_samples_lie_a_radius_of_scaled_units_away(model):
    fat = regularizers.FastAdversarialTraining(0.5, radius=2.0, scale=SCALE, seed=0)
    bad, _ = fat.bad_samples(model, tensor(X))
    step = np.array(bad) - X
    assert (step[:, 1] == 0).all()
    moves = SCALE > 0
    np.testing.assert_allclose(norms(step[:, moves] / SCALE[moves]), 2.0, rtol=1e-5)


def of_columns(names=("age", "income")):
    keras.utils.set_random_seed(0)
    inputs = {name: keras.Input((1,), name=name) for name in names}
    inputs["job"] = keras.Input((1,), name="job", dtype="int32")
    job = layers.Flatten()(layers.Embedding(3, 2)(inputs["job"]))
    hidden = layers.Concatenate()([*(inputs[name] for name in names), job])
    return keras.Model(inputs, layers.Dense(2)(layers.Dense(8, "tanh")(hidden)))


COLUMNS = {
    "age": np.array([[0.1], [0.5], [0.3]]),
    "income": np.array([[0.4], [0.2], [0.9]]),
    "job": np.array([[0], [1], [2]]),
}


@pytest.mark.parametrize("more", [{}, {"job": 1.0}])
def test_a_scale_for_each_column(more):
    scale = {"income": 100.0, "age": 0.5, **more}
    perturbation = perturbations.VirtualAdversarialPerturbation(2.0, seed=0, scale=scale)
    r = perturbation(of_columns(), COLUMNS)
    u = np.concatenate([np.array(r["age"]) / 0.5, np.array(r["income"]) / 100.0], axis=1)
    np.testing.assert_allclose(norms(u), 2.0, rtol=1e-5)
    assert not np.array(r["job"]).any()


@pytest.mark.parametrize("scale", [{"age": 1.0}, {"age": 1.0, "income": 1.0, "height": 1.0}])
def test_columns_that_miss_or_are_unknown(scale):
    perturbation = perturbations.RandomPerturbation(2.0, scale=scale)
    with pytest.raises(
        ValueError, match=r"`scale` must have an entry for each floating input.*age"
    ):
        perturbation(of_columns(), COLUMNS)


def test_in_the_units_of_a_place():
    keras.utils.set_random_seed(0)
    embedding = layers.Embedding(9, 4, name="embedding")
    behind = keras.Sequential([keras.Input((3, 4)), layers.Flatten(), layers.Dense(3)])
    classifier = keras.Sequential([keras.Input((3,), dtype="int32"), embedding, *behind.layers])
    tokens, scale = np.array([[1, 2, 3], [4, 5, 6]]), np.array([1.0, 2.0, 0.0, 5.0])
    settings = {"epsilon": 0.5, "curvature": "exact", "seed": 0, "scale": scale}
    r = perturbations.VirtualAdversarialPerturbation(perturb_at="embedding", **settings)(
        classifier, tokens
    )
    expected = perturbations.VirtualAdversarialPerturbation(**settings)(behind, embedding(tokens))
    np.testing.assert_allclose(r, expected, rtol=1e-4, atol=1e-6)


def test_it_is_saved(tmp_path, make_classifier):
    scale = np.array([1.0, 2.0, 0.0, 5.0], "float32")
    vat = regularizers.VirtualAdversarialTraining(0.5, seed=0, scale=scale)
    model = VATModel(make_classifier(), vat)
    model.save(tmp_path / "model.keras")
    (loaded,) = keras.saving.load_model(tmp_path / "model.keras").regularizers
    np.testing.assert_array_equal(loaded.get_config()["scale"], scale)
    x = X[:, :4].astype("float32")
    np.testing.assert_allclose(
        loaded.perturbation(model.classifier, x), vat.perturbation(model.classifier, x), rtol=1e-6
    )


@pytest.mark.parametrize("training", [False, True])
def test_a_training_step_takes_it(training, make_classifier):
    """The penalty is the divergence at the scaled step, in either mode."""
    scale = np.array([1.0, 2.0, 0.0, 5.0])
    x, classifier = X[:, :4].astype("float32"), make_classifier()
    vat = regularizers.VirtualAdversarialTraining(0.5, seed=0, scale=scale)
    again = perturbations.VirtualAdversarialPerturbation(0.5, seed=0, scale=scale)
    penalty = vat.penalty(classifier, x, training=training)
    r = ops.convert_to_numpy(again(Forward.of(classifier, training), x))
    np.testing.assert_allclose(norms(r[:, [0, 1, 3]] / scale[[0, 1, 3]]), 0.5, rtol=1e-5)
    p, q = softmax(np.array(classifier(x))), softmax(np.array(classifier(x + r)))
    expected = np.mean(np.sum(p * np.log(p / q), axis=1))
    np.testing.assert_allclose(penalty, expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ([1.0, -1.0], "`scale` must be numbers of at least 0"),
        ([0.0, 0.0], "`scale` must let something move"),
        ("std", "`scale` must be an array of finite numbers"),
        ([1.0, float("nan")], "`scale` must be an array of finite numbers"),
        ({"a": -1.0}, "`scale` must be numbers of at least 0"),
    ],
)
def test_what_is_no_scale(scale, message):
    with pytest.raises(ValueError, match=message):
        regularizers.RandomPerturbationTraining(1.0, scale=scale)


def test_one_that_enlarges_an_example(model):
    perturbation = perturbations.RandomPerturbation(1.0, scale=np.ones((2, 5)))
    with pytest.raises(ValueError, match="`scale` must broadcast against one example"):
        perturbation(model, X)


def test_the_largest_entry_takes_none():
    with pytest.raises(ValueError, match="`scale` must be left out where `norm` is 'linf'"):
        regularizers.AdversarialTraining(1.0, norm="linf", scale=SCALE)
