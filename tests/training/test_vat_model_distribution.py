"""Several replicas: logical devices must exist before TensorFlow starts, hence a process."""

import json
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import json
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras_vat

rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 4)).astype("float32"), (np.arange(8) % 3).astype("int32")
report = {}


class Broken(keras_vat.regularizers.Regularizer):
    registered_name = "broken"

    def per_example(self, forward, x, y):
        poison = keras.ops.where(x[:, 0] > 100.0, float("nan"), 1.0)
        return keras.ops.mean(forward.clean(x).logits ** 2, axis=-1) * poison


def build(methods, learning_rate=0.1, normalized=False, **settings):
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.1))]
    )
    if normalized:
        classifier.add(keras.layers.BatchNormalization())
    model = keras_vat.VATModel(classifier, methods, **settings)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(learning_rate, momentum=0.9)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    return model


def build_half(dtype):
    keras.config.set_dtype_policy(dtype)
    try:
        return build(deterministic())
    finally:
        keras.config.set_dtype_policy("float32")


def fit(model, x=x, y=y, *weight, validation=None):
    data = tf.data.Dataset.from_tensor_slices((x, y, *weight)).batch(8)
    if validation:
        validation = tf.data.Dataset.from_tensor_slices((x, y)).batch(validation)
    history = model.fit(data, epochs=2, verbose=0, validation_data=validation).history
    return {name: value[-1] for name, value in history.items()}


def deterministic():
    entropy = keras_vat.regularizers.EntropyMinimization(weight=0.5)
    return [entropy, keras_vat.regularizers.AdversarialTraining(0.1)]


tokens = rng.integers(1, 9, size=(8, 3))


def of_tokens():
    # The statistics of its normalization are those of all replicas.
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((3,), dtype="int32"),
        keras.layers.Embedding(9, 4, name="embedding"),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.BatchNormalization(synchronized=True),
        keras.layers.Dense(3),
    ]
    at = keras_vat.regularizers.AdversarialTraining(0.05, perturb_at="embedding")
    model = keras_vat.VATModel(keras.Sequential(layers), at)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    return model


for name, strategy in (
    ("one", tf.distribute.get_strategy()),
    ("mirrored alone", tf.distribute.MirroredStrategy(["CPU:0"])),
    ("two", tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])),
):
    with strategy.scope():
        model, uneven = build(deterministic()), build(deterministic())
        rpt = keras_vat.regularizers.RandomPerturbationTraining(1.0, seed=0)
        vat = keras_vat.regularizers.VirtualAdversarialTraining(1.0, seed=0)
        joint = build([rpt, vat])
    report[name] = {"logs": fit(model), "weights": model.get_weights()[0].tolist()}
    with strategy.scope():
        weighted = build(deterministic())
    # On the first replica one row counts, on the second all four.
    report[name]["weighted"] = fit(weighted, x, y, np.array([0, 0, 0, 2, 1, 1, 0.5, 3.0]))
    report[name]["weighted weights"] = weighted.get_weights()[0].tolist()
    # The last batches have 3 rows and 1: no equal share, and none at all for one replica.
    for rows in (11, 9):
        many = np.resize(x, (rows, 4)), np.resize(y, rows)
        report[name][f"uneven {rows}"] = fit(uneven, *many, validation=5)
        report[name][f"random {rows}"] = fit(joint, *many)
    report[name]["uneven weights"] = uneven.get_weights()[0].tolist()
    if name == "mirrored alone":
        continue

    with strategy.scope():
        at_a_place = of_tokens()
    report[name]["at a place"] = fit(at_a_place, tokens)
    report[name]["embedding"] = at_a_place.get_weights()[0].tolist()

    with strategy.scope():
        broken, halves = build(Broken(), nonfinite_penalty="skip"), build(deterministic())
    poisoned = x.copy()
    poisoned[0, 0] = 1000.0  # on the first replica only
    before = broken.get_weights()[0]
    report[name]["broken"] = fit(broken, poisoned)
    report[name]["moved"] = float(np.abs(broken.get_weights()[0] - before).max())
    batches = keras_vat.data.semi_supervised((x, y), np.tile(x, (4, 1)), 4, 12, seed=0)
    history = halves.fit(batches, epochs=2, verbose=0).history
    report[name]["semi-supervised"] = {key: value[-1] for key, value in history.items()}
    report[name]["semi-supervised weights"] = halves.get_weights()[0].tolist()
    with strategy.scope():
        normal = build([], learning_rate=0.0, normalized=True)
    fit(normal, keras_vat.SemiSupervisedInputs(x, x[::-1] + 1.0))
    report[name]["moving mean"] = np.array(normal.classifier.layers[1].moving_mean).tolist()
    inputs, _ = next(iter(strategy.experimental_distribute_dataset(batches)))
    shares = [strategy.experimental_local_results(part) for part in inputs]
    report[name]["rows"] = [[len(part) for part in parts] for parts in shares]

with strategy.scope():
    half = {dtype: build_half(dtype) for dtype in ("mixed_float16", "mixed_bfloat16")}
report["half"] = {dtype: fit(model) for dtype, model in half.items()}
same = tf.zeros((2, 4))
noise = strategy.run(
    tf.function(lambda: rpt.perturbation(model.classifier, same)), ()
)
report["noise"] = [np.array(value).tolist() for value in strategy.experimental_local_results(noise)]
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("replicas", ["mirrored alone", "two"])
def test_replicas_train_as_one_device_does(report, replicas):
    found, expected = report[replicas], report["one"]
    assert found["logs"] == pytest.approx(expected["logs"], rel=1e-4)
    np.testing.assert_allclose(found["weights"], expected["weights"], rtol=1e-4)


@pytest.mark.parametrize("replicas", ["mirrored alone", "two"])
def test_rows_of_weight_0_count_on_no_replica(report, replicas):
    found, expected = report[replicas], report["one"]
    assert found["weighted"] == pytest.approx(expected["weighted"], rel=1e-4)
    np.testing.assert_allclose(found["weighted weights"], expected["weighted weights"], rtol=1e-4)


def test_at_a_place_replicas_train_as_one_device_does(report):
    """Behind the place a normalization synchronizes its statistics, in all passes."""
    found, expected = report["two"], report["one"]
    assert found["at a place"] == pytest.approx(expected["at a place"], rel=1e-3)
    np.testing.assert_allclose(found["embedding"], expected["embedding"], rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_on_replicas(report, dtype):
    assert report["half"][dtype] == pytest.approx(report["one"]["logs"], rel=0.03)


@pytest.mark.parametrize("replicas", ["mirrored alone", "two"])
@pytest.mark.parametrize("rows", [11, 9])
def test_batches_without_an_equal_share_count_by_rows(report, replicas, rows):
    found, expected = report[replicas], report["one"]
    assert found[f"uneven {rows}"] == pytest.approx(expected[f"uneven {rows}"], rel=1e-4)
    np.testing.assert_allclose(found["uneven weights"], expected["uneven weights"], rtol=1e-4)
    assert np.isfinite(list(found[f"random {rows}"].values())).all()


def test_each_replica_gets_labelled_and_unlabelled_rows(report):
    assert report["one"]["rows"] == [[4], [12]]
    assert report["two"]["rows"] == [[2, 2], [6, 6]]
    assert report["two"]["semi-supervised"] == pytest.approx(
        report["one"]["semi-supervised"], rel=1e-4
    )
    np.testing.assert_allclose(
        report["two"]["semi-supervised weights"],
        report["one"]["semi-supervised weights"],
        rtol=1e-4,
    )


def test_moving_averages_are_those_of_all_replicas(report):
    found, expected = report["two"]["moving mean"], report["one"]["moving mean"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert np.any(expected)


def test_random_methods_train_on_replicas(report):
    logs = report["two"]["random 11"]
    assert logs["vat"] > logs["rpt"] > 0


def test_replicas_draw_different_noise(report):
    first, second = report["noise"]
    assert np.any(first) and np.any(np.array(first) != second)


def test_a_penalty_that_fails_on_one_replica_moves_no_weight(report):
    for replicas in ("one", "two"):
        assert report[replicas]["moved"] == 0.0
        assert report[replicas]["broken"]["skipped_steps"] == 1.0


def test_gradients_of_embeddings_stay_sparse(tf):
    from keras_vat.training.tensorflow_training import zero_unless

    gradient = tf.IndexedSlices(tf.ones((2, 3)), tf.constant([4, 1]), tf.constant([1000, 3]))
    kept, dropped = (zero_unless(tf.constant(finite), gradient) for finite in (True, False))
    assert isinstance(kept, tf.IndexedSlices) and isinstance(dropped, tf.IndexedSlices)
    np.testing.assert_array_equal(kept.values, np.ones((2, 3)))
    np.testing.assert_array_equal(dropped.values, np.zeros((2, 3)))
