"""Several replicas: logical devices must exist before TensorFlow starts, hence a process."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import json
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_vat.generators import Glow

# The replicas' halves of the batch differ: statistics of one half would show.
x = np.random.default_rng(0).uniform(size=(16, 4, 6, 1)).astype("float32")
x[8:] *= 0.1
report = {}
for name, strategy in (
    ("one", tf.distribute.get_strategy()),
    ("two", tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])),
):
    with strategy.scope():
        glow = Glow((4, 6, 1), num_levels=1, num_steps=2, width=4, seed=0)
        glow.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    data = tf.data.Dataset.from_tensor_slices(x).batch(16)
    logs = glow.fit(data, verbose=0).history
    actnorm = glow.flow.levels[0].actnorm
    report[name] = {
        "logs": {key: value[0] for key, value in logs.items()},
        "evaluated": glow.evaluate(data, verbose=0),
        "log_scale": np.asarray(actnorm.log_scale.value).tolist(),
        "shift": np.asarray(actnorm.shift.value).tolist(),
    }
    with strategy.scope():
        glow.compile(keras.optimizers.SGD(1.0), jit_compile=False)
    glow.fit(data, verbose=0)
    bias = glow.flow.levels[0].coupling.network[-1]
    report[name]["trained"] = np.asarray(bias.value).tolist()
copies = strategy.experimental_local_results(bias.value)
report["copies"] = [np.asarray(copy).tolist() for copy in copies]
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("weight", ["log_scale", "shift"])
def test_actnorms_are_set_from_the_global_batch(report, weight):
    found, expected = np.array(report["two"][weight]), np.array(report["one"][weight])
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_replicas_log_and_train_as_one_device_does(report):
    # Each replica draws its own noise, which hardly shows in the logs and the weights.
    assert report["two"]["logs"] == pytest.approx(report["one"]["logs"], abs=0.02)
    assert report["two"]["evaluated"] == pytest.approx(report["one"]["evaluated"], abs=0.02)
    found, expected = np.array(report["two"]["trained"]), np.array(report["one"]["trained"])
    assert np.abs(expected).max() > 1e-3  # from zero
    np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())
    np.testing.assert_array_equal(*report["copies"])
