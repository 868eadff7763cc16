import tracemalloc

import keras
import numpy as np
import pytest
from golden.batches import with_iterators
from golden.precision import EXACT
from golden.tanh_net import softmax
from keras import ops

from keras_vat import Forward, VATModel, regularizers
from keras_vat.evaluation import gradient_noise
from keras_vat.evaluation.gradient_noise import _Moments
from keras_vat.perturbations import VirtualAdversarialPerturbation

X = np.random.default_rng(0).normal(size=(30, 4))


def linear():
    """A linear softmax in float64, whose gradients are known in closed form."""
    random = np.random.default_rng(1)
    inputs = keras.Input((4,), dtype="float64")
    model = keras.Model(inputs, keras.layers.Dense(3, dtype="float64")(inputs))
    model.set_weights([random.normal(size=(4, 3)), random.normal(size=3)])
    return model


def gradient(model, x, r):
    """Of mean KL(p(x) || p(x + r)), p(x) a constant: mean of (x + r, 1)^T (q - p), as a vector."""
    w, b = (np.array(weight) for weight in model.weights)
    slope = (softmax((x + r) @ w + b) - softmax(x @ w + b)) / len(x)
    return np.concatenate([((x + r).T @ slope).ravel(), slope.sum(0)])


def two_pass(model, samples, epsilon, iterations, seed):
    """Eq. 21 of all the gradients at once."""
    perturbation = VirtualAdversarialPerturbation(epsilon, iterations, seed=seed)
    training = Forward(model, training=True)
    gradients = [
        gradient(model, x, np.array(perturbation(training, ops.convert_to_tensor(x))))
        for x in samples
    ]
    variance = np.var(gradients, axis=0, ddof=1)
    return np.sqrt(variance.sum()) / np.linalg.norm(np.mean(gradients, axis=0))


def test_against_all_gradients_at_once():
    model = linear()
    noise = gradient_noise(model, X, 0.7, num_samples=12, batch_size=5, seed=3)
    random = np.random.default_rng(3)
    samples = [X[random.choice(30, 5, replace=False)].astype("float32") for _ in range(12)]
    samples = [x.astype("float64") for x in samples]  # NumPy's float64 becomes Keras's float32
    assert list(noise) == [0, 1] and all(isinstance(value, float) for value in noise.values())
    for iterations, value in noise.items():
        expected = two_pass(model, samples, 0.7, iterations, seed=3)
        np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_against_all_gradients_of_a_dataset_at_once(batched):
    model, dataset = linear(), batched((ops.convert_to_tensor(X), np.zeros(30)), 10)
    noise = gradient_noise(model, dataset, 0.7, (0, 1, 3), num_samples=7)
    samples = [X[10 * (i % 3) :][:10] for i in range(7)]  # begun anew when it ends
    for iterations, value in noise.items():
        expected = two_pass(model, samples, 0.7, iterations, seed=0)
        np.testing.assert_allclose(value, expected, rtol=EXACT)


def test_running_moments_of_vectors_far_from_zero():
    vectors = 1e6 + 1e-2 * np.random.default_rng(0).normal(size=(500, 3))
    moments = _Moments()
    for vector in vectors:
        moments.add([vector[:1].copy(), vector[1:].copy()])
    expected = np.sqrt(np.var(vectors, axis=0, ddof=1).sum()) / np.linalg.norm(vectors.mean(0))
    np.testing.assert_allclose(moments.noise(), expected, rtol=1e-6)


def test_few_samples_are_right_on_average_without_their_share_of_the_variance():
    """Of normal vectors with 200 variances of 1 and a mean of length sqrt(10): noise sqrt(20)."""
    random = np.random.default_rng(0)
    biased, unbiased = [], []
    for _ in range(40):
        moments = _Moments()
        for vector in np.sqrt(10 / 200) + random.normal(size=(20, 200)):
            moments.add([vector])
        biased.append(moments.noise() ** -2)
        unbiased.append(moments.noise(unbiased=True) ** -2)
    np.testing.assert_allclose(np.mean(unbiased), 1 / 20, rtol=0.1)
    np.testing.assert_allclose(np.mean(biased), 1 / 20 + 1 / 20, rtol=0.1)  # + 1 / samples


def test_without_its_share_of_the_variance_noise_is_larger():
    settings = {"epsilon": 0.7, "num_samples": 12, "batch_size": 5}
    plain = gradient_noise(linear(), X, **settings)
    unbiased = gradient_noise(linear(), X, **settings, unbiased=True)
    for iterations in (0, 1):
        expected = (plain[iterations] ** -2 - 1 / 12) ** -0.5
        np.testing.assert_allclose(unbiased[iterations], expected, rtol=1e-6)


def test_memory_does_not_grow_with_the_number_of_samples():
    model = keras.Sequential([keras.Input((200,)), keras.layers.Dense(100)])
    x = np.random.default_rng(0).normal(size=(8, 200)).astype("float32")

    def peak(num_samples):
        tracemalloc.start()
        gradient_noise(model, x, 0.5, 0, num_samples=num_samples, batch_size=4)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(2)  # what is imported and cached on the way
    copy = 8 * model.count_params()
    assert copy < peak(3) and peak(23) < peak(3) + 5 * copy


def test_the_weight_of_a_regularizer_cancels_out_and_averaging_lowers_its_noise():
    def random_directions(weight):
        return regularizers.RandomPerturbationTraining(0.7, weight=weight, seed=0)

    class Averaged(regularizers.RandomPerturbationTraining):
        def per_example(self, forward, x, y):
            return sum(super(Averaged, self).per_example(forward, x, y) for _ in range(9)) / 9

    measured = {
        "one": random_directions(1.0),
        "heavy": random_directions(7.0),
        "nine": Averaged(0.7, seed=0),
    }
    noise = gradient_noise(linear(), X[:8], regularizers=measured, num_samples=25, batch_size=8)
    assert (
        noise["one"]
        == noise["heavy"]
        == gradient_noise(linear(), X[:8], 0.7, 0, num_samples=25, batch_size=8)[0]
    )
    # All rows are in every batch, so that only the perturbation is random: 1 / sqrt(9).
    assert 0.2 < noise["nine"] / noise["one"] < 0.5


def test_a_penalty_whose_gradient_flows_through_the_clean_pass():
    entropy = {name: regularizers.EntropyMinimization() for name in ("first", "second")}
    noise = gradient_noise(linear(), X, regularizers=entropy, num_samples=5, batch_size=4)
    assert noise["first"] == noise["second"] < np.inf


@with_iterators
def test_labels_go_with_their_rows(batched):
    """As in the dataset of the same batches of pairs; other labels give other numbers."""
    y = np.argmax(X[:, :3], axis=1)
    model = linear()

    def noise(dataset, **arguments):
        at = {"at": regularizers.AdversarialTraining(0.5)}
        return gradient_noise(model, dataset, regularizers=at, num_samples=4, **arguments)["at"]

    random = np.random.default_rng(0)
    rows = np.concatenate([random.choice(len(X), 5, replace=False) for _ in range(4)])
    pairs = batched((X[rows].astype("float32"), y[rows]), 5)
    found = noise(X, y=y, batch_size=5)
    assert found == noise(pairs)
    assert found != noise(X, y=np.zeros_like(y), batch_size=5)


def test_no_state_moves_and_numbers_can_be_had_again(make_classifier, rows):
    regularizer = regularizers.VirtualAdversarialTraining(0.5, seed=0)
    model = VATModel(
        make_classifier(batch_norm=True, dropout=0.5), regularizer, batch_statistics="update"
    )
    watched = [*model.variables, *keras.tree.flatten([g.state for g in seeds(model)])]
    before = [np.array(variable) for variable in watched]
    settings = {"regularizers": {"vat": regularizer}, "num_samples": 3, "batch_size": 6}
    assert gradient_noise(model, rows.x, **settings) == gradient_noise(model, rows.x, **settings)
    assert len(watched) > 8
    for variable, value in zip(watched, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def seeds(model):
    return [generator for layer in model._flatten_layers() for generator in layer._seed_generators]


def test_a_plain_model_is_measured_as_in_training(make_classifier, rows):
    classifier = make_classifier(batch_norm=True)
    settings = {"epsilon": 0.5, "num_samples": 3, "batch_size": 6}
    expected = gradient_noise(VATModel(classifier), rows.x, **settings)
    assert gradient_noise(classifier, rows.x, **settings) == expected
    policy = VATModel(classifier, batch_statistics="moving")
    assert gradient_noise(policy, rows.x, **settings) != expected


def test_a_constant_classifier_has_no_gradient_to_compare_with():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, None, True, "zeros")])
    assert gradient_noise(model, X, 0.5, num_samples=2) == {0: np.inf, 1: np.inf}


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            {"epsilon": None},
            ValueError,
            "`epsilon` or `regularizers` must be given, not both. Received",
        ),
        ({"regularizers": {}}, ValueError, "Either `epsilon` or `regularizers` must be given"),
        (
            {"epsilon": None, "regularizers": {"vat": 1}},
            TypeError,
            "`regularizers` must be a dictionary of name to Regularizer, one at least. Received",
        ),
        ({"num_samples": 1}, ValueError, "`num_samples` must be at least 2. Received: num_samples"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1"),
        ({"dataset": [].__iter__()}, ValueError, "`x` must hold at least one batch"),
        ({"model": keras.Sequential([keras.layers.Dense(2)])}, ValueError, "`model` must have wei"),
    ],
)
def test_refuses_wrong_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        gradient_noise(**{"model": linear(), "dataset": X, "epsilon": 0.5, **arguments})
