"""Fast adversarial training against NumPy in float64."""

import keras
import numpy as np
import pytest
from golden.precision import ROUNDED, needs_float64
from golden.quick import QUICK
from golden.weight_gradients import assert_gradients_are_differences
from keras import ops

import keras_vat
from keras_vat import autodiff
from keras_vat.regularizers import FastAdversarialTraining, VirtualAdversarialTraining
from keras_vat.regularizers.fast_adversarial_training import fake_loss, true_loss


def float64(values):
    return ops.convert_to_tensor(values, "float64")


def net(dtype="float64", activation=None, classes=3):
    keras.utils.set_random_seed(2)
    layers = [
        keras.layers.Dense(16, "tanh", dtype=dtype),
        keras.layers.Dense(classes, activation, dtype=dtype, kernel_initializer="random_normal"),
    ]
    classifier = keras.Sequential([keras.Input((4,), dtype=dtype), *layers])
    classifier.layers[-1].kernel.assign(40.0 * classifier.layers[-1].kernel)
    return classifier


@pytest.fixture(scope="module")
def x():
    return float64(np.random.default_rng(0).normal(size=(40, 4)))


def compiled(classifier, regularizer, **arguments):
    model = keras_vat.VATModel(classifier, regularizer, **arguments)
    model.compile(
        keras.optimizers.SGD(0.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def extended_softmax(logits):
    """Probabilities of K + 1 classes, the last logit 0."""
    logits = np.concatenate([logits, np.zeros((len(logits), 1))], -1)
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def test_losses_of_the_extra_class():
    logits = np.random.default_rng(1).normal(scale=3, size=(50, 5))
    q = extended_softmax(logits)
    np.testing.assert_allclose(
        true_loss(float64(logits)), -np.sum((q * np.log(q))[:, :-1], -1), rtol=ROUNDED
    )
    np.testing.assert_allclose(fake_loss(float64(logits)), -np.log(q[:, -1]), rtol=ROUNDED)


def test_losses_of_extreme_logits_are_finite_and_so_are_their_gradients():
    logits = ops.convert_to_tensor(
        [[1000.0, -1000.0, 0], [-1000, -1000, -1000], [1000, 1000, 1000], [0, 0, -1000]],
        "float32",
    )
    true, fake = true_loss(logits), fake_loss(logits)
    np.testing.assert_allclose(true, [0, 0, np.log(3), 2 * np.log(3) / 3], atol=1e-5)
    np.testing.assert_allclose(fake, [1000, 0, 1000 + np.log(3), np.log(3)], atol=1e-4)
    assert np.all(np.isfinite(autodiff.gradient(lambda at: true_loss(at[0]), [logits])[0]))
    np.testing.assert_allclose(
        autodiff.gradient(lambda at: fake_loss(at[0]), [logits])[0],
        [[1, 0, 0], [0, 0, 0], [1 / 3, 1 / 3, 1 / 3], [1 / 3, 1 / 3, 0]],
        atol=1e-6,
    )


def whole_penalty(classifier, x, r, radius, threshold, factor):
    """Eq. 8 without the labelled term, in NumPy; also the share of bad samples that are kept."""
    first, second = (layer.get_weights() for layer in classifier.layers)

    def logits(x):
        return np.tanh(x @ first[0] + first[1]) @ second[0] + second[1]

    def softmax(logits):
        exponentials = np.exp(logits - logits.max(-1, keepdims=True))
        return exponentials / exponentials.sum(-1, keepdims=True)

    p, perturbed = softmax(logits(x)), softmax(logits(x + r))
    q = extended_softmax(logits(x))
    bad = logits(x + radius * r / np.linalg.norm(r, axis=-1, keepdims=True))
    kept = softmax(bad).max(-1) <= 1 - threshold
    true = -np.sum((q * np.log(q))[:, :-1], -1).mean()
    fake = -np.log(extended_softmax(bad)[kept, -1]).mean() if kept.any() else 0.0
    return np.mean(np.sum(p * np.log(p / perturbed), -1)) + factor * (true + fake), kept


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6])
def test_the_whole_penalty_and_the_kept_bad_samples(x, threshold):
    classifier = net()
    fat = FastAdversarialTraining(0.5, 1.25, threshold, bad_sample_weight=0.75, seed=3)
    same = FastAdversarialTraining(0.5, 1.25, threshold, seed=3)
    r = np.array(same.perturbation(classifier, x))
    expected, kept = whole_penalty(classifier, np.array(x), r, 1.25, threshold, 0.75)
    if threshold == 0.3:
        assert 0.2 < kept.mean() < 0.9
    assert float(fat.penalty(classifier, x)) == pytest.approx(expected, rel=ROUNDED)
    fresh = FastAdversarialTraining(0.5, 1.25, threshold, seed=3)
    bad, kept_here = fresh.bad_samples(classifier, x)
    np.testing.assert_array_equal(kept_here, kept)
    np.testing.assert_allclose(np.linalg.norm(bad - x, axis=-1), 1.25, rtol=1e-6)


def test_no_bad_sample_kept():
    classifier = net()
    x = float64(np.random.default_rng(4).normal(size=(20, 4)))
    fat = FastAdversarialTraining(0.5, 0.1, threshold=0.666, seed=3)
    same = FastAdversarialTraining(0.5, 0.1, threshold=0.666, bad_sample_weight=0.0, seed=3)
    true = float(np.mean(true_loss(classifier(x))))
    difference = fat.penalty(classifier, x) - same.penalty(classifier, x)
    assert float(difference) == pytest.approx(true, rel=1e-6)


def test_the_sign_with_the_larger_divergence_is_taken(x):
    classifier = net()
    one, better = (
        VirtualAdversarialTraining(0.5, sign_search=search, seed=3).perturbation(classifier, x)
        for search in (False, True)
    )
    fat = FastAdversarialTraining(0.5, 1.0, seed=3).perturbation(classifier, x)
    np.testing.assert_array_equal(fat, better)
    divergence = keras_vat.divergences.Categorical().kl
    clean = classifier(x)
    ahead, behind = divergence(clean, classifier(x + one)), divergence(clean, classifier(x - one))
    np.testing.assert_allclose(
        divergence(clean, classifier(x + fat)), np.maximum(ahead, behind), rtol=1e-6
    )
    assert np.any(ahead < behind)


def linear(bias):
    keras.utils.set_random_seed(2)
    classifier = keras.Sequential([keras.Input((4,), dtype="float64")])
    classifier.add(keras.layers.Dense(len(bias), dtype="float64"))
    classifier.layers[-1].bias.assign(bias)
    return classifier


def extended_direction(classifier, x):
    """The dominant eigenvector of the explicit Hessian of the (K + 1)-class divergence."""
    weights, bias = classifier.get_weights()
    q = extended_softmax(x @ weights + bias)[:, :-1]
    fisher = np.stack([np.diag(row) - np.outer(row, row) for row in q])
    return np.linalg.eigh(weights @ fisher @ weights.T)[1][..., -1]


@needs_float64
def test_in_training_the_direction_is_that_of_the_classifier_with_the_extra_class():
    classifier = linear([8.0, -20.0, -20.0])
    x = np.random.default_rng(6).normal(size=(10, 4))
    forward = keras_vat.Forward(classifier, training=True)
    fat = FastAdversarialTraining(0.5, 1.0, seed=3)
    r = np.stack(fat.perturbation.find(forward, float64(x))[0])
    expected = extended_direction(classifier, x)
    cosines = np.sum(r * expected, -1) / 0.5
    np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("classes", "training", "arguments"),
    [
        (3, False, {}),
        (3, True, {"curvature": "exact"}),
        (3, True, {"xi": 0.1}),
        (3, True, {"num_power_iterations": 0}),
        (3, True, {"num_power_iterations": 2}),
        (3, True, {"curvature": "at_epsilon"}),
        (2, True, {}),
    ],
)
def test_elsewhere_the_direction_is_that_of_the_classifier_without_it(
    x, classes, training, arguments
):
    classifier = linear(np.zeros(classes))
    forward = keras_vat.Forward(classifier, training=training)
    fat = FastAdversarialTraining(0.5, 1.0, seed=3, **arguments)
    vat = VirtualAdversarialTraining(0.5, sign_search=True, seed=3, **arguments)
    here = fat.perturbation.find(forward, x)
    np.testing.assert_array_equal(here, vat.perturbation.find(forward, x))


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("training", [False, True])
def test_the_largest_logit_can_be_asked_for_by_name(x, classes, training):
    """It is a row of the matrix that a linear classifier is made of."""
    classifier = linear(np.zeros(classes))
    rows = np.array(classifier.layers[-1].kernel).T
    chosen = rows[np.argmax(np.array(x) @ rows.T, -1)]
    expected = 0.5 * chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
    forward = keras_vat.Forward(classifier, training=training)
    named = FastAdversarialTraining(0.5, 1.0, curvature="largest_logit", sign_search=False)
    (r,) = named.perturbation.find(forward, x)
    np.testing.assert_allclose(r, expected, rtol=1e-6)
    if training and classes > 2:
        auto = FastAdversarialTraining(0.5, 1.0, sign_search=False).perturbation.find(forward, x)
        np.testing.assert_array_equal(auto[0], r)


def test_the_bad_samples_that_train_can_be_seen(x):
    classifier = linear([0.5, 0.0, -0.5])
    auto, named = (
        FastAdversarialTraining(0.5, 1.25, 0.3, curvature=curvature, seed=3)
        for curvature in ("auto", "largest_logit")
    )
    model = compiled(classifier, auto)
    trained, kept = auto.bad_samples(model, x, training=True)
    expected, kept_there = named.bad_samples(model, x)
    np.testing.assert_allclose(trained, expected, rtol=1e-6)
    np.testing.assert_array_equal(kept, kept_there)
    assert np.abs(np.array(auto.bad_samples(model, x)[0]) - trained).max() > 0.1
    # Their share is the one in the logs.
    logs = model.train_on_batch(x, np.arange(40) % 3, return_dict=True)
    assert float(logs["fat_kept"]) == pytest.approx(np.mean(kept)) and 0 < np.mean(kept) < 1


@needs_float64
def test_parameter_gradient_of_the_bad_samples_term_against_differences(x):
    classifier = net()
    r = [float64(0.5 * np.random.default_rng(5).normal(size=x.shape))]
    terms = [FastAdversarialTraining(0.5, 1.25, 0.3, weight) for weight in (1.0, 0.0)]
    for term in terms:
        term.perturbation.find = lambda forward, x, y=None: r

    def penalty():
        forward = keras_vat.Forward(classifier, training=True)
        return terms[0].penalty(forward, x) - terms[1].penalty(forward, x)

    assert_gradients_are_differences(penalty, classifier.trainable_weights, step=1e-7)


def test_in_a_fit_the_kept_share_is_logged_and_lambda_moves(x):
    classifier = net("float32")
    fat = FastAdversarialTraining(0.5, 1.25, threshold=0.3, seed=3)
    model = compiled(classifier, fat)
    data, y = np.float32(x), np.arange(len(x)) % 3
    warmup = keras_vat.callbacks.LambdaWarmup(epochs=2)
    history = model.fit(
        data, y, batch_size=20, epochs=3, verbose=0, callbacks=[warmup], validation_data=(data, y)
    ).history
    assert history["fat_bad_sample_weight"] == [0.0, 0.5, 1.0]
    # The weights stand still, so only lambda differs: there is no noise in the direction.
    assert 0 < history["fat_kept"][0] <= 1
    assert len(set(history["fat_kept"])) == 1
    assert history["fat"][0] < history["fat"][1] < history["fat"][2]
    assert "val_fat_kept" not in history
    assert set(model.evaluate(data, y, verbose=0, return_dict=True)) == {"loss"}


def test_semi_supervised_and_within_the_range(x):
    classifier = net("float32")
    fat = FastAdversarialTraining(0.5, 1.25, clip=(-1.0, 1.0), mask=[1, 1, 1, 0], seed=3)
    model = compiled(classifier, fat)
    data = np.clip(np.float32(x), -1, 1)
    y = np.arange(10) % 3
    inputs = keras_vat.SemiSupervisedInputs(data[:10], data)
    logs = model.train_on_batch(inputs, y, return_dict=True)
    assert np.isfinite(logs["fat"]) and 0 <= logs["fat_kept"] <= 1
    bad, _ = fat.bad_samples(model, data)
    assert np.max(np.abs(bad)) <= 1.0 + 1e-6
    np.testing.assert_array_equal(np.array(bad)[:, 3], data[:, 3])


@pytest.mark.parametrize("kind", ["convolutional", "recurrent", "sequence labels"])
def test_other_classifiers(kind):
    keras.utils.set_random_seed(0)
    shape = (8, 8, 1) if kind == "convolutional" else (7, 5)
    layers = {
        "convolutional": [
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.GlobalAveragePooling2D(),
        ],
        "recurrent": [keras.layers.LSTM(6)],
        "sequence labels": [keras.layers.LSTM(6, return_sequences=True)],
    }[kind]
    classifier = keras.Sequential([keras.Input(shape), *layers, keras.layers.Dense(3)])
    model = keras_vat.VATModel(classifier, FastAdversarialTraining(0.5, 1.0))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, **QUICK)
    x = np.random.default_rng(0).normal(size=(6, *shape)).astype("float32")
    y = np.zeros((6, 7) if kind == "sequence labels" else 6, "int32")
    before = classifier.get_weights()
    logs = model.train_on_batch(x, y, return_dict=True)
    assert np.isfinite(logs["fat"]) and logs["fat"] > 0
    assert np.any(before[0] != classifier.get_weights()[0])


def test_a_softmax_layer_keeps_its_logits(x):
    values = [
        float(FastAdversarialTraining(0.5, 1.0, seed=3).penalty(net(activation=a), x))
        for a in (None, "softmax")
    ]
    assert values[0] == pytest.approx(values[1], rel=ROUNDED)


@keras.saving.register_keras_serializable(package="tests")
class OwnSoftmax(keras.layers.Layer):
    def call(self, logits):
        exponentials = keras.ops.exp(logits)
        return exponentials / keras.ops.sum(exponentials, -1, keepdims=True)


def test_logits_known_up_to_a_constant_are_refused(x):
    classifier = keras.Sequential([net("float32"), OwnSoftmax()])
    classifier.build((None, 4))
    model = keras_vat.VATModel(classifier, from_logits=False, output="categorical")
    with pytest.raises(ValueError, match="up to a constant only.*keras.layers.Softmax.*Received"):
        FastAdversarialTraining(0.5, 1.0).penalty(model, np.float32(x))
    assert np.isfinite(VirtualAdversarialTraining(0.5).penalty(model, np.float32(x)))


@pytest.mark.parametrize("output", ["bernoulli", "gaussian"])
def test_other_outputs_are_refused(x, output):
    model = keras_vat.VATModel(net("float32"), output=output, from_logits=True)
    with pytest.raises(ValueError, match=f"softmax over the classes.*output='{output}'"):
        FastAdversarialTraining(0.5, 1.0).penalty(model, np.float32(x))


def test_a_threshold_that_no_bad_sample_meets_is_refused(x):
    with pytest.raises(ValueError, match="below 1 - 1 / 3 for 3 classes.*threshold=0.7"):
        FastAdversarialTraining(0.5, 1.0, threshold=0.7).penalty(net("float32"), np.float32(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 0}, "`radius` must be a finite number above 0. Received: radius=0"),
        ({"threshold": 1}, "`threshold` must be a number of at least 0 and below 1. .*threshold=1"),
        ({"threshold": -0.1}, "`threshold` must be"),
        ({"bad_sample_weight": -1}, "`bad_sample_weight` must be .* at least 0"),
        ({"epsilon": -1}, "`epsilon` must be"),
        ({"curvature": "logits"}, "`curvature` must be one of .*'largest_logit'"),
        (
            {"curvature": "largest_logit", "num_power_iterations": 2},
            "`num_power_iterations` must be left out where `curvature` is 'largest_logit'.*=2",
        ),
        ({"curvature": "largest_logit", "num_power_iterations": 0}, "`num_power_iterations` must"),
        ({"curvature": "largest_logit", "xi": 0.1}, "`xi` must be left out .*'largest_logit'"),
    ],
)
def test_numbers_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        FastAdversarialTraining(**{"epsilon": 0.5, "radius": 1.0, **arguments})
