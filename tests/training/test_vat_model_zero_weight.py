"""With all weights 0, a training run is that of plain Keras.

On TensorFlow bit for bit; on JAX up to rounding, for XLA compiles the two steps each in its way.
"""

import keras
import numpy as np
import pytest
from golden.precision import ON_TENSORFLOW

from keras_vat import SemiSupervisedInputs, VATModel, regularizers

# Plain Keras's averages, and few updates.
pytestmark = pytest.mark.filterwarnings("ignore:.*averages of batch normalisation:UserWarning")

ROUNDING = {"rtol": 0, "atol": 0} if ON_TENSORFLOW else {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture(autouse=ON_TENSORFLOW)
def graphs_as_written(tf):
    """TensorFlow's graph optimizer reorders sums as it sees fit, and so moves the last bit."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


def noisy_classifier(dtype=None):
    """Everything that has state or a loss of its own."""
    keras.utils.set_random_seed(0)
    # Keras itself can't add losses of half precision to the compiled loss.
    activity_regularizer = None if dtype else "l1"
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.GaussianNoise(0.1, dtype=dtype),
            keras.layers.Dense(6, kernel_regularizer="l2", dtype=dtype),
            keras.layers.BatchNormalization(dtype=dtype),
            keras.layers.Activation("tanh", activity_regularizer=activity_regularizer, dtype=dtype),
            keras.layers.Dropout(0.4, dtype=dtype),
            keras.layers.Dense(3, dtype=dtype),
        ]
    )


def zero_weight_methods():
    return [
        regularizers.VirtualAdversarialTraining(epsilon=1.0, weight=0.0),
        regularizers.AdversarialTraining(epsilon=1.0, weight=0.0),
        regularizers.EntropyMinimization(weight=0.0),
    ]


def compile_alike(model, **settings):
    settings = {
        "optimizer": keras.optimizers.SGD(0.1, momentum=0.9),
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
        "weighted_metrics": [keras.metrics.SparseCategoricalCrossentropy(from_logits=True)],
        "jit_compile": False,
        **settings,
    }
    model.compile(**settings)
    return model


def pair(dtype=None, policy="batch", regularizers=None, **settings):
    """Plain Keras and a `VATModel` from the same start; settings are made anew for each."""
    plain, wrapped = noisy_classifier(dtype), noisy_classifier(dtype)
    methods = zero_weight_methods() if regularizers is None else regularizers
    model = VATModel(wrapped, methods, batch_statistics=policy)
    return [
        compile_alike(m, **{key: make() for key, make in settings.items()}) for m in (plain, model)
    ]


def assert_same_state(plain, model):
    for expected, actual in zip(plain.variables, model.classifier.variables, strict=True):
        np.testing.assert_allclose(actual.value, expected.value, **ROUNDING, err_msg=expected.path)
    for expected, actual in zip(plain.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_allclose(actual.value, expected.value, **ROUNDING, err_msg=expected.path)


def assert_same_logs(plain, logs):
    for name, value in plain.items():
        np.testing.assert_allclose(logs[name], value, **ROUNDING, err_msg=name)
    assert logs["supervised_loss"] == logs["loss"]


@pytest.mark.parametrize(
    "dtype, semi_supervised",
    [(None, False), (None, True), ("mixed_bfloat16", True), ("mixed_float16", False)],
)
def test_step_for_step(rows, dtype, semi_supervised):
    plain, model = pair(dtype)
    weight = np.linspace(0.5, 1.5, 4).astype("float32")
    for start in (0, 4, 8):
        x, y = rows.x[start : start + 4], rows.y[start : start + 4]
        inputs = SemiSupervisedInputs(x, rows.unlabeled) if semi_supervised else x
        expected = plain.train_on_batch(x, y, weight, return_dict=True)
        assert_same_logs(expected, model.train_on_batch(inputs, y, weight, return_dict=True))
        assert_same_state(plain, model)


def test_fit_and_validation(rows):
    plain, model = pair(policy="moving")
    arguments = dict(batch_size=5, epochs=2, verbose=0, class_weight={0: 1.0, 1: 2.0, 2: 0.5})
    validation = (rows.x[:6], rows.y[:6])
    histories = []
    for m in (plain, model):
        keras.utils.set_random_seed(1)
        histories.append(m.fit(rows.x, rows.y, validation_data=validation, **arguments).history)
    assert_same_logs(*histories)
    assert_same_state(plain, model)


def assert_same_run(plain, model, rows):
    logs = [
        m.fit(rows.x, rows.y, batch_size=4, shuffle=False, verbose=0).history
        for m in (plain, model)
    ]
    assert_same_logs(*logs)
    assert_same_state(plain, model)


@pytest.mark.parametrize(
    "settings",
    [
        {"run_eagerly": lambda: True},
        {"steps_per_execution": lambda: 2},
        {"optimizer": lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)},
        {"optimizer": lambda: keras.optimizers.Adam(0.01, clipnorm=0.1, use_ema=True)},
    ],
    ids=["eager", "steps_per_execution", "accumulation", "adam_with_ema"],
)
def test_compile_settings(rows, settings):
    assert_same_run(*pair(**settings), rows)


def test_without_regularizers(rows):
    assert_same_run(*pair(regularizers=[]), rows)


def test_jit_compiled_step_is_the_same_up_to_rounding(rows):
    plain, model = pair(jit_compile=lambda: True, optimizer=lambda: "sgd")
    logs = [
        m.fit(rows.x, rows.y, batch_size=12, shuffle=False, verbose=0).history
        for m in (plain, model)
    ]
    np.testing.assert_allclose(logs[1]["loss"], logs[0]["loss"], rtol=1e-5)
    for expected, actual in zip(plain.trainable_variables, model.trainable_variables, strict=True):
        np.testing.assert_allclose(actual.value, expected.value, rtol=1e-4, atol=1e-6)


def test_evaluate_and_predict_are_the_classifiers_own(rows):
    plain, model = pair()
    assert plain.evaluate(rows.x, rows.y, batch_size=5, verbose=0) == model.evaluate(
        rows.x, rows.y, batch_size=5, verbose=0
    )
    np.testing.assert_array_equal(
        model.predict(rows.x, batch_size=5, verbose=0),
        plain.predict(rows.x, batch_size=5, verbose=0),
    )
    np.testing.assert_array_equal(model(rows.x), plain(rows.x))
    np.testing.assert_array_equal(model(rows.x, training=True), plain(rows.x, training=True))


def test_a_second_run_with_the_same_seeds_is_bit_equal(rows):
    states = []
    for _ in range(2):
        classifier = noisy_classifier()
        methods = [
            regularizers.VirtualAdversarialTraining(epsilon=1.0, seed=4),
            regularizers.RandomPerturbationTraining(epsilon=1.0),
        ]
        model = compile_alike(VATModel(classifier, methods))
        history = model.fit(rows.x, rows.y, batch_size=5, epochs=2, verbose=0).history
        states.append(([np.array(v.value) for v in model.variables], history))
    assert states[0][1] == states[1][1]
    for first, second in zip(states[0][0], states[1][0], strict=True):
        np.testing.assert_array_equal(first, second)


def test_masked_positions_stay_out_of_the_compiled_loss(rows):
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    x[:, 3:] = 0.0
    y = (np.arange(20).reshape(4, 5) % 3).astype("int32")
    losses = []
    for wrap in (lambda c: c, lambda c: VATModel(c, zero_weight_methods()[0])):
        keras.utils.set_random_seed(0)
        classifier = keras.Sequential(
            [keras.Input((5, 3)), keras.layers.Masking(), keras.layers.Dense(3)]
        )
        model = compile_alike(wrap(classifier), weighted_metrics=None)
        losses.append(model.train_on_batch(x, y, return_dict=True))
    assert_same_logs(*losses)
