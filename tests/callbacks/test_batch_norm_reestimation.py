import keras
import numpy as np
import pytest

from keras_vat import SemiSupervisedInputs
from keras_vat.callbacks import BatchNormReestimation
from keras_vat.evaluation.batches import endless_batches, passes


def run(callback, model):
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_train_end()


def two_layer_model(momentum=0.99):
    """Dense, BatchNorm, tanh, Dense, BatchNorm: the second one's input depends on the first."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(momentum=momentum, epsilon=1e-3),
            keras.layers.Activation("tanh"),
            keras.layers.Dense(2),
            keras.layers.BatchNormalization(momentum=momentum, epsilon=1e-3),
        ]
    )
    for index, layer in enumerate(layer for layer in model.layers if layer.count_params()):
        layer.set_weights(
            [
                np.random.default_rng(index).uniform(0.5, 1.5, weight.shape)
                for weight in layer.get_weights()
            ]
        )
    return model


def statistics_in_float64(model, batches):
    """The batch statistics' plain averages, by NumPy alone."""
    first, bn1, _, second, bn2 = model.layers
    k1, b1, k2, b2 = (np.float64(w) for layer in (first, second) for w in layer.get_weights())
    gamma, beta = np.float64(bn1.gamma), np.float64(bn1.beta)
    rows = []
    for batch in batches:
        h = np.float64(batch) @ k1 + b1
        mean1, var1 = h.mean(0), h.var(0)
        h = np.tanh((h - mean1) / np.sqrt(var1 + bn1.epsilon) * gamma + beta) @ k2 + b2
        rows.append((mean1, var1, h.mean(0), h.var(0)))
    return [np.mean(column, axis=0) for column in zip(*rows, strict=True)]


def moving_statistics(model):
    layers = [layer for layer in model.layers if hasattr(layer, "moving_mean")]
    return [v.numpy() for layer in layers for v in (layer.moving_mean, layer.moving_variance)]


# A momentum of 0.99999 leaves five digits of float32 to whoever solves for the batch statistic.
@pytest.mark.parametrize("momentum", [0.9, 0.99999])
def test_average_of_batch_statistics_against_numpy(batched, momentum):
    batches = np.random.default_rng(0).normal(2.0, 3.0, (5, 8, 3)).astype("float32")
    model = two_layer_model(momentum)
    before = moving_statistics(model)
    run(BatchNormReestimation(batched(batches.reshape(40, 3), 8), steps=5), model)
    expected = statistics_in_float64(model, batches)
    for old, new, right in zip(before, moving_statistics(model), expected, strict=True):
        np.testing.assert_allclose(new, right, rtol=2e-6, atol=2e-6)
        assert np.max(np.abs(old - right)) > 0.01


def test_everything_else_stays():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.GaussianNoise(0.5),
            keras.layers.Dense(4, activity_regularizer="l2"),
            keras.layers.BatchNormalization(momentum=0.7),
            keras.layers.Dropout(0.5),
        ]
    )
    batch_norm = model.layers[2]
    averages = {id(batch_norm.moving_mean), id(batch_norm.moving_variance)}
    before = {id(v): (v, v.numpy()) for v in model.variables}
    assert len(before) == 8  # kernel, bias, four of BatchNorm, two seeds
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    run(BatchNormReestimation(x, steps=3, batch_size=8), model)
    for key, (variable, value) in before.items():
        assert np.array_equal(variable.numpy(), value) == (key not in averages), variable.path
    assert batch_norm.momentum == 0.7
    assert model.losses == []


def test_each_batch_has_its_own_noise():
    """With one mask for all batches a feature would average to 0 or 2, a spread of 1."""
    model = keras.Sequential(
        [
            keras.Input((1000,)),
            keras.layers.Dropout(0.5, seed=1),
            keras.layers.BatchNormalization(),
        ]
    )
    run(BatchNormReestimation(np.ones((1, 1000), "float32"), steps=20), model)
    mean = model.layers[1].moving_mean.numpy()
    np.testing.assert_allclose(np.std(mean), 1 / np.sqrt(20), rtol=0.1)


def test_arrays_are_drawn_in_full_batches_without_repetition():
    x = np.arange(8.0, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    callback = BatchNormReestimation(x, steps=5, batch_size=3)
    batches = endless_batches(x, passes(batch_size=3, seed=0))
    seen = [np.asarray(next(batches)[0])[:, 0] for _ in range(5)]
    assert all(batch.shape == (3,) for batch in seen)
    for first, second in ((0, 1), (2, 3)):  # two batches a pass, the odd rows left out
        assert len(set(seen[first]) | set(seen[second])) == 6
    assert not np.array_equal(seen[0], seen[2])
    run(callback, model)  # the same seed draws the same batches
    expected = np.mean([batch.mean() for batch in seen])
    np.testing.assert_allclose(model.layers[0].moving_mean.numpy(), [expected], rtol=1e-6)


def test_fewer_rows_than_a_batch_are_one_batch():
    x = np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    model = two_layer_model()
    run(BatchNormReestimation(x, steps=2, batch_size=100), model)
    np.testing.assert_allclose(
        moving_statistics(model)[3], statistics_in_float64(model, [x])[3], rtol=1e-5
    )


@pytest.mark.parametrize("kind", ["x", "x_y", "semi_supervised_y", "semi_supervised"])
def test_datasets_repeat_and_yield_any_of_fits_elements(batched, kind):
    x = np.random.default_rng(0).normal(size=(8, 1)).astype("float32")
    y = np.zeros(8)
    elements = {
        "x": x,
        "x_y": (x, y),
        "semi_supervised_y": (SemiSupervisedInputs(x + 100, x), y),
        "semi_supervised": SemiSupervisedInputs(x + 100, x),
    }[kind]
    model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    run(BatchNormReestimation(batched(elements, 4), steps=3), model)
    expected = (2 * x[:4].mean() + x[4:].mean()) / 3
    np.testing.assert_allclose(model.layers[0].moving_mean.numpy(), [expected], rtol=1e-5)


def test_several_inputs_and_a_shared_nested_layer():
    shared = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    inputs = {"a": keras.Input((1,), name="a"), "b": keras.Input((1,), name="b")}
    outputs = keras.layers.Add()([shared(inputs["a"]), shared(inputs["b"])])
    model = keras.Model(inputs, outputs)
    x = {"a": np.array([[0.0], [2.0]]), "b": np.array([[10.0], [20.0]])}
    run(BatchNormReestimation(x, steps=1, batch_size=2), model)
    mean, variance = (v.numpy() for v in shared.layers[0].non_trainable_variables)
    np.testing.assert_allclose([mean, variance], [[(1 + 15) / 2], [(1 + 25) / 2]], rtol=1e-6)


def test_frozen_layers_keep_their_averages():
    model = two_layer_model()
    model.layers[1].trainable = False
    before = moving_statistics(model)
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    run(BatchNormReestimation(x, steps=2, batch_size=8), model)
    after = moving_statistics(model)
    np.testing.assert_array_equal(after[:2], before[:2])
    assert not np.allclose(after[2:], before[2:])


def test_a_vat_model_is_reestimated_after_fit(make_model, numbers, x):
    classifier = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    model = make_model([numbers("vat", weight=1.0)], classifier)
    x = x * np.arange(8.0, dtype="float32")[:, None]
    model.fit(x, x, verbose=0, callbacks=[BatchNormReestimation(x, steps=1)])
    mean, variance = moving_statistics(classifier)
    np.testing.assert_allclose(mean, [3.5, 3.5], rtol=1e-6)
    np.testing.assert_allclose(variance, [5.25, 5.25], rtol=1e-6)


def test_a_model_that_fit_builds():
    model = keras.Sequential([keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.fit(x, x[:, 0], verbose=0, callbacks=[BatchNormReestimation(x, steps=1)])
    np.testing.assert_allclose(model.layers[0].moving_mean.numpy(), x.mean(0), atol=1e-6)


def test_distributed_variables(tf):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = two_layer_model()
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    run(BatchNormReestimation(x, steps=1), model)
    expected = statistics_in_float64(model, [x])
    for new, right in zip(moving_statistics(model), expected, strict=True):
        np.testing.assert_allclose(new, right, rtol=1e-5, atol=1e-5)


def test_mixed_precision():
    keras.utils.set_random_seed(0)
    norm = keras.layers.BatchNormalization(dtype="mixed_bfloat16")
    model = keras.Sequential([keras.Input((1,)), norm])
    x = np.array([[0.0], [1.0], [2.0], [3.0]], "float32")
    run(BatchNormReestimation(x, steps=1), model)
    assert norm.moving_mean.dtype == "float32"
    np.testing.assert_allclose([norm.moving_mean, norm.moving_variance], [[1.5], [1.25]])


def test_non_finite_statistics_are_refused_and_nothing_moves():
    model = two_layer_model()
    before = moving_statistics(model)
    x = np.full((4, 3), np.nan, "float32")
    with pytest.raises(ValueError, match="must be finite.*a non-finite .*moving_mean"):
        run(BatchNormReestimation(x, steps=1), model)
    for old, new in zip(before, moving_statistics(model), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.layers[1].momentum == 0.99


def test_a_classifier_without_normalization_is_refused_before_training(x):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="plain")
    model.compile("sgd", "mse")
    before = model.layers[0].kernel.numpy()
    with pytest.raises(ValueError, match="Received: model='plain', which has none"):
        model.fit(x, x[:, 0], verbose=0, callbacks=[BatchNormReestimation(x)])
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), before)


def test_an_empty_dataset_is_refused(batched):
    dataset = batched(np.ones((0, 3), "float32"), 4)
    with pytest.raises(ValueError, match="`x` must hold at least one batch"):
        run(BatchNormReestimation(dataset), two_layer_model())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"steps": 0}, ValueError, "`steps` must be at least 1. Received: steps=0"),
        ({"steps": 1.5}, TypeError, "`steps` must be an integer. Received: steps=1.5"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1. Received: batch_size=0"),
        ({"x": np.ones((0, 3))}, ValueError, r"at least one. Received: \[0\] rows"),
        (
            {"x": (np.ones((2, 3)), np.ones((4, 3)))},
            ValueError,
            r"same number of rows.*Received: \[2, 4\] rows",
        ),
    ],
)
def test_refuses_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        BatchNormReestimation(**{"x": np.ones((4, 3)), **arguments})
