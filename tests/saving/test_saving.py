"""Saved in mid-training, a run goes on bit for bit as if it had not stopped."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_vat import SemiSupervisedInputs, VATModel, regularizers


@keras.saving.register_keras_serializable(package="tests")
class Registered(keras.Model):
    """A subclassed classifier that a file can hold."""

    def __init__(self, units=6, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = layers.Dense(units, "tanh")
        self.norm = layers.BatchNormalization()
        self.dropout = layers.Dropout(0.5)
        self.head = layers.Dense(3)

    def call(self, x, training=None):
        x = self.norm(self.hidden(x), training=training)
        return self.head(self.dropout(x, training=training))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def functional():
    inputs = keras.Input((4,))
    hidden = layers.BatchNormalization()(layers.Dense(6, "tanh")(inputs))
    return keras.Model(inputs, layers.Dense(3)(layers.Dropout(0.5)(hidden)))


def sequential():
    return keras.Sequential(
        [
            layers.GaussianNoise(0.1),
            layers.Dense(6, "tanh"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3),
        ]
    )


def build(make_classifier):
    keras.utils.set_random_seed(0)
    model = VATModel(
        make_classifier(),
        [
            regularizers.VirtualAdversarialTraining(epsilon=1.0, name="first"),
            regularizers.VirtualAdversarialTraining(epsilon=0.5, curvature="exact", name="second"),
            regularizers.EntropyMinimization(),
        ],
        batch_statistics="moving",
    )
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def first_half(model, rows):
    model.fit(rows.x, rows.y, batch_size=6, shuffle=False, verbose=0)
    model.regularizers[0].weight = 0.5
    model.regularizers[0].epsilon = 0.75


def second_half(model, rows):
    return model.fit(rows.x, rows.y, batch_size=6, shuffle=False, verbose=0).history


def state(model):
    variables = model.variables + model.optimizer.variables
    return {variable.path: np.array(variable.value) for variable in variables}


def assert_same_state(model, expected):
    for (path, actual), value in zip(state(model).items(), state(expected).values(), strict=True):
        np.testing.assert_array_equal(actual, value, err_msg=path)


@pytest.mark.parametrize("make_classifier", [functional, sequential, Registered])
def test_a_saved_run_goes_on_bit_equal(rows, tmp_path, make_classifier):
    model = build(make_classifier)
    first_half(model, rows)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, VATModel) and type(loaded.classifier) is type(model.classifier)
    assert float(loaded.regularizers[0].weight) == 0.5
    assert float(loaded.regularizers[0].epsilon) == 0.75
    np.testing.assert_array_equal(
        loaded.predict(rows.x, verbose=0), model.predict(rows.x, verbose=0)
    )
    assert second_half(loaded, rows) == second_half(model, rows)
    assert_same_state(loaded, model)


@pytest.mark.parametrize("make_classifier", [functional, Registered])
def test_saved_weights_carry_the_whole_run(rows, tmp_path, make_classifier):
    model = build(make_classifier)
    first_half(model, rows)
    model.save_weights(tmp_path / "run.weights.h5")
    other = build(make_classifier)
    other.fit(rows.x[::-1], rows.y, batch_size=6, verbose=0)  # any state but the saved one
    other.load_weights(tmp_path / "run.weights.h5")
    assert_same_state(other, model)
    assert second_half(other, rows) == second_half(model, rows)


def test_a_semi_supervised_run_goes_on_bit_equal(rows, tmp_path):
    model = build(sequential)
    x = SemiSupervisedInputs(rows.x, rows.unlabeled)
    model.train_on_batch(x, rows.y)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for _ in range(2):
        assert loaded.train_on_batch(x, rows.y) == model.train_on_batch(x, rows.y)
    assert_same_state(loaded, model)


def test_weights_load_where_there_are_no_regularizers(rows, tmp_path):
    model = build(functional)
    first_half(model, rows)
    model.save_weights(tmp_path / "run.weights.h5")
    bare = VATModel(functional())
    bare.load_weights(tmp_path / "run.weights.h5")
    np.testing.assert_array_equal(bare(rows.x), model(rows.x))


def test_the_classifier_alone_can_be_saved(rows, tmp_path):
    model = build(functional)
    first_half(model, rows)
    model.classifier.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    assert not isinstance(loaded, VATModel)
    np.testing.assert_array_equal(loaded(rows.x), model(rows.x))


def test_settings_survive(tmp_path):
    model = VATModel(
        functional(),
        regularizers.AdversarialTraining(epsilon=0.1, norm="linf", clip=(0, 1), weight=0.5),
        from_logits=True,
        output="bernoulli",
        batch_statistics="update",
        nonfinite_penalty="skip",
        name="mine",
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.name == "mine"
    expected, actual = model.get_config(), loaded.get_config()
    assert actual["regularizers"] == expected["regularizers"]
    for name in ("from_logits", "output", "batch_statistics", "nonfinite_penalty"):
        assert actual[name] == expected[name]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_runs_go_on_bit_equal(rows, tmp_path, policy):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    try:
        classifier = functional()
    finally:
        keras.config.set_dtype_policy("float32")
    model = VATModel(classifier, regularizers.VirtualAdversarialTraining(epsilon=1.0))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True), jit_compile=False)
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    model.train_on_batch(rows.x, rows.y)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.train_on_batch(rows.x, rows.y) == model.train_on_batch(rows.x, rows.y)
    assert_same_state(loaded, model)


def test_a_divergence_of_the_users_own(rows, tmp_path):
    @keras.saving.register_keras_serializable(package="tests")
    def total_variation(clean, perturbed):
        gap = keras.ops.softmax(clean) - keras.ops.softmax(perturbed)
        return 0.5 * keras.ops.sum(keras.ops.square(gap), axis=-1)

    method = regularizers.VirtualAdversarialTraining(1.0, divergence=total_variation, seed=1)
    model = VATModel(functional(), method)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.regularizers[0].penalty(loaded.classifier, rows.x)) == float(
        method.penalty(model.classifier, rows.x)
    )


def test_clone_from_config(rows):
    model = build(functional)
    clone = VATModel.from_config(model.get_config())
    assert [r.name for r in clone.regularizers] == ["first", "second", "entropy"]
    assert clone.classifier is not model.classifier
    assert clone(rows.x).shape == (12, 3)
