"""What every regularizer promises; a method that registers itself joins these tests."""

import keras
import numpy as np
import pytest
from golden.weight_gradients import weight_gradients
from keras import ops

import keras_vat
from keras_vat.regularizers.perturbation_regularizer import PerturbationRegularizer
from keras_vat.regularizers.registry import REGULARIZERS

every_method = pytest.mark.parametrize("method", sorted(REGULARIZERS))
PERTURBATION_METHODS = [
    name for name, cls in sorted(REGULARIZERS.items()) if issubclass(cls, PerturbationRegularizer)
]
perturbation_method = pytest.mark.parametrize("method", PERTURBATION_METHODS)
unsupervised_perturbation = pytest.mark.parametrize(
    "method", [name for name in PERTURBATION_METHODS if not REGULARIZERS[name].requires_labels]
)


drawing_method = pytest.mark.parametrize("method", sorted(set(REGULARIZERS) - {"at", "entropy"}))
# VAT and FAT look for r in other ways in training than at inference.
both_modes = pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])


def image_classifier(dtype="float32", activation=None):
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((6, 6, 1), dtype="float64" if dtype == "float64" else None),
            keras.layers.Flatten(dtype=dtype),
            keras.layers.Dense(5, "tanh", dtype=dtype),
            keras.layers.Dense(3, activation, dtype=dtype),
        ]
    )


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(1)
    smooth = np.linspace(0.1, 0.9, 36).reshape(1, 6, 6, 1) * rng.uniform(0.5, 1, (8, 1, 1, 1))
    return smooth.astype("float32"), (np.arange(8) % 3).astype("int32")


def compiled_model(regularizer, classifier, learning_rate=0.1):
    model = keras_vat.VATModel(classifier, regularizer)
    model.compile(
        keras.optimizers.SGD(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def without_bad_samples(regularizer):
    """Their losses have no target to hold fixed and do not end with epsilon."""
    if hasattr(regularizer, "bad_sample_weight"):
        regularizer.bad_sample_weight = 0.0
    return regularizer


def penalty_of(regularizer, classifier, x, y, training=False):
    """The penalty of a step, or that of a classifier at inference."""
    return regularizer.penalty(keras_vat.Forward(classifier, training=training), x, y)


@every_method
@both_modes
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_penalty_is_a_finite_scalar(make, method, dtype, training, images):
    penalty = penalty_of(make(method), image_classifier(dtype), *images, training)
    assert penalty.shape == () and penalty.dtype == "float32"
    assert np.isfinite(penalty) and penalty >= 0


@every_method
@both_modes
def test_half_precision_agrees_with_single(make, method, training, images):
    single, half = (
        float(penalty_of(make(method), image_classifier(dtype), *images, training))
        for dtype in ("float32", "mixed_float16")
    )
    assert half == pytest.approx(single, rel=0.1, abs=2e-3)


@every_method
@both_modes
def test_batch_of_one(make, method, training, images):
    x, y = images
    penalty = penalty_of(make(method), image_classifier(), x[:1], y[:1], training)
    assert np.isfinite(penalty) and penalty >= 0


@every_method
@both_modes
def test_unknown_batch_size(make, method, training, images, tf):
    x, y = images
    classifier = image_classifier()
    signature = [tf.TensorSpec((None, 6, 6, 1), "float32"), tf.TensorSpec((None,), "int32")]
    regularizer = make(method)
    compiled = tf.function(
        lambda x, y: penalty_of(regularizer, classifier, x, y, training),
        input_signature=signature,
        autograph=False,
    )
    expected = penalty_of(make(method), classifier, x, y, training)
    np.testing.assert_allclose(compiled(x, y), expected, rtol=1e-4)
    assert np.isfinite(compiled(x[:3], y[:3]))


@every_method
@both_modes
def test_no_state_of_the_classifier_moves(make, method, training, images):
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Flatten(), keras.layers.Dense(5), keras.layers.BatchNormalization()]
    layers += [keras.layers.Dropout(0.5), keras.layers.Dense(3)]
    classifier = keras.Sequential([keras.Input((6, 6, 1)), *layers])
    before = [ops.convert_to_numpy(variable.value) for variable in classifier.variables]
    assert np.isfinite(penalty_of(make(method), classifier, *images, training))
    for variable, value in zip(classifier.variables, before, strict=True):
        np.testing.assert_array_equal(variable.value, value, err_msg=variable.path)


@drawing_method
def test_the_seed_decides_what_is_drawn(make, method, images):
    classifier = image_classifier()

    def values(seed):
        regularizer = make(method, seed=seed)
        return [float(regularizer.penalty(classifier, *images)) for _ in range(2)]

    def from_the_global_seed(seed):
        keras.utils.set_random_seed(seed)
        return values(seed=None)

    for drawn in (values, from_the_global_seed):
        first, again, other = drawn(1), drawn(1), drawn(2)
        assert first == again != other


@unsupervised_perturbation
def test_noise_differs_from_call_to_call(make, method, images):
    x, _ = images
    classifier, regularizer = image_classifier(), make(method)
    values = {float(regularizer.penalty(classifier, x)) for _ in range(3)}
    assert len(values) == 3


@unsupervised_perturbation
def test_zero_at_epsilon_zero(make, method, images):
    x, _ = images
    regularizer = without_bad_samples(make(method))
    assert float(regularizer.penalty(image_classifier(), x)) > 0
    regularizer.epsilon = 0.0
    assert float(regularizer.penalty(image_classifier(), x)) == 0.0


@perturbation_method
def test_no_gradient_into_the_target_or_the_perturbation(make, method, images):
    """The gradient is that of a penalty whose target and r come from a frozen copy."""
    x, y = np.float64(images[0]), images[1]
    classifier, frozen = image_classifier("float64"), image_classifier("float64")

    class FrozenTarget(keras_vat.Forward):
        live = keras_vat.Forward(classifier, training=True)

        def logits(self, inputs):
            return self.live.logits(inputs)

        def through(self, entrance, x):
            view = super().through(entrance, x)
            view.live = self.live.through(entrance, x)
            return view

    x = ops.convert_to_tensor(x)
    weights = classifier.trainable_weights
    gradients = []
    for forward in (
        keras_vat.Forward(classifier, training=True),
        FrozenTarget(frozen, training=True),
    ):
        regularizer = without_bad_samples(make(method))
        _, found = weight_gradients(lambda: regularizer.penalty(forward, x, y), weights)  # noqa: B023
        gradients.append(found)
    for gradient, expected in zip(*gradients, strict=True):
        assert np.any(expected)
        np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-14)


@every_method
def test_probabilities_and_logits_give_one_penalty(make, method, images):
    x, y = images
    logits, probabilities = (
        float(make(method).penalty(image_classifier(activation=activation), x, y))
        for activation in (None, "softmax")
    )
    assert probabilities == pytest.approx(logits, rel=1e-5)


@every_method
def test_numbers_are_variables_that_can_be_read_and_set(make, method):
    regularizer = make(method, weight=0.5, name="mine")
    assert regularizer.name == "mine" and float(regularizer.weight) == 0.5
    regularizer.weight = 0.25
    assert float(regularizer.weight) == 0.25
    regularizer.weight.assign(2.0)
    assert float(regularizer.weight) == 2.0
    for number in ("epsilon", "radius", "threshold", "bad_sample_weight"):
        if hasattr(regularizer, number):
            setattr(regularizer, number, 0.125)
            assert float(getattr(regularizer, number)) == 0.125


@every_method
def test_config_round_trip(make, method):
    regularizer = make(method, weight=0.5, name="mine")
    copy = type(regularizer).from_config(regularizer.get_config())
    assert type(copy) is type(regularizer)
    assert keras.saving.serialize_keras_object(copy) == keras.saving.serialize_keras_object(
        regularizer
    )
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(regularizer))
    assert again.name == "mine" and float(again.weight) == 0.5


@every_method
def test_file_round_trip(make, method, images, tmp_path):
    x, y = images
    model = compiled_model(make(method), image_classifier())
    model.fit(x, y, verbose=0)
    model.regularizers[0].weight = 0.75
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))
    assert float(loaded.regularizers[0].weight) == 0.75
    penalties = [float(m.regularizers[0].penalty(m.classifier, x, y)) for m in (loaded, model)]
    assert penalties[0] == penalties[1]


@every_method
def test_weight_assigned_between_batches_of_a_compiled_fit(make, method, images):
    x, y = images
    model = compiled_model(make(method), image_classifier(), learning_rate=0.0)
    weights, seen = [1.0, 3.0], []

    def assign(batch, logs=None):
        model.regularizers[0].weight = weights[batch]

    callback = keras.callbacks.LambdaCallback(
        on_train_batch_begin=assign,
        on_train_batch_end=lambda batch, logs: seen.append(dict(logs)),
    )
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[callback])
    # Logs are means over the batches so far.
    penalties = [float(seen[0][method]), float(2 * seen[1][method] - seen[0][method])]
    expected = seen[1]["supervised_loss"] + np.dot(weights, penalties) / 2
    np.testing.assert_allclose(seen[1]["loss"], expected, rtol=1e-5)
    assert penalties[1] > 0


@every_method
def test_a_step_moves_the_weights_by_the_gradient_of_the_weighted_penalty(make, method, images):
    x, y = images
    model, plain = compiled_model(make(method, weight=0.5), image_classifier()), image_classifier()
    plain.compile(keras.optimizers.SGD(0.1), model.loss, jit_compile=False)
    for trained in (model, plain):
        trained.train_on_batch(x, y)
    same, regularizer = image_classifier(), make(method)
    _, gradients = weight_gradients(
        lambda: penalty_of(regularizer, same, ops.convert_to_tensor(x), y, training=True),
        same.trainable_weights,
    )
    pairs = zip(model.classifier.get_weights(), plain.get_weights(), strict=True)
    for (weight, without), gradient in zip(pairs, gradients, strict=True):
        assert np.any(gradient)
        np.testing.assert_allclose(weight - without, -0.05 * gradient, rtol=1e-3, atol=1e-6)
