"""`keras.distribution.DataParallel` on JAX: devices exist before JAX starts, hence a process."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.backend("jax")

SCRIPT = """
import json

import jax
import keras
import numpy as np

import keras_vat
from keras_vat import regularizers

rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 4)).astype("float32"), (np.arange(8) % 3).astype("int32")
unlabeled = rng.normal(size=(24, 4)).astype("float32")
rows_on_a_device = {}


class Watch(regularizers.Regularizer):
    registered_name = "watch"

    def per_example(self, forward, x, y):
        def note(sharding):
            rows_on_a_device[x.shape[0]] = sharding.shard_shape(x.shape)[0]

        jax.debug.inspect_array_sharding(x, callback=note)
        return keras.ops.sum(x, axis=-1)


class WatchLabels(Watch):
    registered_name = "watch_labels"
    requires_labels = True


def build(methods, dropout=0.0):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((4,)),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.1)),
    ]
    model = keras_vat.VATModel(keras.Sequential(layers), methods)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, metrics=["accuracy"])
    return model


def of_tokens():
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((3,), dtype="int32"),
        keras.layers.Embedding(9, 4, name="embedding"),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(3),
    ]
    vat = regularizers.get("vat", epsilon=0.5, seed=0, perturb_at="embedding")
    model = keras_vat.VATModel(keras.Sequential(layers), vat)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss)
    return model


def fit(model, *data, **settings):
    history = model.fit(*data, epochs=2, verbose=0, **settings).history
    logs = {name: value[-1] for name, value in history.items()}
    return {"logs": logs, "weights": model.get_weights()[0].tolist()}


def batches():
    return keras_vat.data.semi_supervised((x, y), unlabeled, 4, 12, seed=0)


def train():
    deterministic = [regularizers.get("at", epsilon=0.1), regularizers.get("entropy", weight=0.5)]
    random = [regularizers.get(name, epsilon=1.0, seed=0) for name in ("rpt", "vat")]
    whole = keras_vat.data.semi_supervised((x, y), x, 8, 8, seed=0)
    warmup = keras_vat.callbacks.EpsilonWarmup(0.5, 1.0, steps=2, regularizer="vat")
    report = {
        "deterministic": fit(build(deterministic), whole, validation_data=(x, y)),
        "semi-supervised": fit(build(deterministic), batches()),
        "at a place": fit(of_tokens(), np.arange(1, 9)[:, None] % np.array([3, 5, 7]), y),
        "random": fit(build(random, dropout=0.3), batches(), callbacks=[warmup]),
    }
    fit(build([Watch(weight=0.0), WatchLabels(weight=0.0)]), batches())
    report["rows"] = dict(rows_on_a_device)
    return report


report = {"one": train()}
distribution = keras.distribution.DataParallel()
with distribution.scope():
    report["several"] = train()
    perturbation = keras_vat.perturbations.RandomPerturbation(1.0, seed=0)
    classifier = build([]).classifier
    layout = distribution.get_data_layout((8, 4)).backend_layout
    same = jax.device_put(np.zeros((8, 4), "float32"), layout)

    @jax.jit
    def draw(x):
        with keras.StatelessScope():
            return jax.lax.with_sharding_constraint(perturbation(classifier, x), layout)

    report["noise"] = [np.asarray(part.data).tolist() for part in draw(same).addressable_shards]
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report():
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("kind", ["deterministic", "semi-supervised", "at a place", "random"])
def test_devices_train_as_one_does(report, kind):
    found, expected = report["several"][kind], report["one"][kind]
    assert found["logs"] == pytest.approx(expected["logs"], rel=1e-5)
    np.testing.assert_allclose(found["weights"], expected["weights"], rtol=1e-5, atol=1e-6)


def test_each_device_gets_labelled_and_unlabelled_rows(report):
    assert report["one"]["rows"] == {"4": 4, "12": 12}
    assert report["several"]["rows"] == {"4": 2, "12": 6}


def test_devices_draw_different_noise(report):
    first, second = np.array(report["noise"])
    assert first.shape == second.shape == (4, 4)
    assert np.linalg.norm(first, axis=-1) == pytest.approx(1.0, rel=1e-5)
    assert np.abs(first - second).max(axis=-1).min() > 0.01  # row by row
