"""What `import keras_vat` costs beyond Keras and TensorFlow."""

import os
import pathlib
import re
import subprocess
import sys

import keras
import pytest

import keras_vat


def test_optional_libraries_are_not_imported():
    optional = {
        "matplotlib",
        "tensorflow_datasets",
        "tensorflow_probability",
        "tf_keras",
        "sklearn",
    }
    # Keras itself imports some of them where they are installed.
    code = f"""
import sys, keras
{"import tensorflow" if keras.backend.backend() == "tensorflow" else ""}
before = set(sys.modules)
import keras_vat
print(*sorted({optional!r} & (set(sys.modules) - before)))
"""
    imported = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert imported.stdout.split() == []


def test_wrappers_are_imported_when_they_are_asked_for():
    code = """
import sys
import keras_vat
assert "keras_vat.wrappers" not in sys.modules
assert "wrappers" in dir(keras_vat) and "wrappers" not in keras_vat.__all__
sys.modules["sklearn"] = None
try:
    keras_vat.wrappers
except ImportError as error:
    print(error)
del sys.modules["sklearn"]
print(*dir(keras_vat.wrappers))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "`keras_vat.wrappers` needs scikit-learn. Install it with "
        "`pip install keras-vat[sklearn]`.",
        "SemiSupervisedKFold VATClassifier",
    ]
    with pytest.raises(AttributeError, match="module 'keras_vat' has no attribute 'wraps'"):
        keras_vat.wraps  # noqa: B018


# Keras itself looks for TensorFlow when it saves a model.
WITHOUT_TENSORFLOW = """
import sys

asked_for = []


class Watch:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("tensorflow", "torch"):
            asked_for.append(name)


sys.meta_path.insert(0, Watch())

import keras
import numpy as np
import keras_vat
from keras_vat import callbacks, regularizers

x, y = np.random.default_rng(0).uniform(size=(16, 4, 4, 1)).astype("float32"), np.arange(16) % 3
vae = keras_vat.generators.VAE((4, 4, 1), latent_dim=4)
arguments = {
    "at": {"epsilon": 1.0},
    "rpt": {"epsilon": 1.0},
    "vat": {"epsilon": 1.0},
    "vmt": {},
    "fat": {"epsilon": 1.0, "radius": 1.0},
    "lvat": {"epsilon": 1.0, "generator": vae},
    "entropy": {},
}
layers = [keras.layers.Flatten(), keras.layers.BatchNormalization(), keras.layers.Dense(3)]
methods = [regularizers.get(name, **settings) for name, settings in arguments.items()]
model = keras_vat.VATModel(keras.Sequential([keras.Input((4, 4, 1)), *layers]), methods)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
augment = keras_vat.data.augmentation("mnist")
batches = keras_vat.data.semi_supervised((x, y), x, 8, 16, augment=augment)
moving = [callbacks.AlphaWarmup(regularizer="vat"), callbacks.LambdaWarmup()]
averages = callbacks.BatchNormReestimation(x, steps=2)
watching = [*moving, callbacks.SmoothnessMonitor(x, epsilon=1.0), averages]
model.fit(batches, verbose=0, validation_data=(x, y), callbacks=watching)
model.predict(x, verbose=0)
keras_vat.evaluation.robustness_curve({"vat": model}, x, y, [0.0, 1.0])
glow = keras_vat.generators.Glow((4, 4, 1), num_levels=1, num_steps=1, width=2)
glow.compile()
glow.fit(x, verbose=0)
glow.freeze()(x)
print("asked for:", *asked_for)
"""


@pytest.mark.backend("jax")
def test_on_jax_nothing_asks_for_tensorflow_or_for_float64():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW],
        capture_output=True,
        text=True,
        env={**os.environ, "JAX_ENABLE_X64": "0"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].split() == ["asked", "for:"]
    assert "float64" not in done.stderr


@pytest.mark.parametrize("backend", ["torch", "numpy"])
def test_other_backends_are_refused(backend):
    code = f"import keras; keras.backend.backend = lambda: {backend!r}; import keras_vat"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: keras_vat runs on TensorFlow and on JAX.")
    assert f"Received: Keras's backend '{backend}'" in message and "KERAS_BACKEND" in message


KNOW_THE_BACKEND = {
    "autodiff/__init__.py",
    "autodiff/jax_autodiff.py",
    "autodiff/tensorflow_autodiff.py",
    "jax_training.py",
    "replicas.py",
    "same_start.py",
    "tensorflow_training.py",
    "training.py",
}


# Whatever the backend, these read pipelines of tf.data, write SavedModels and TensorBoard's
# summaries.
USE_TENSORFLOW = {
    "callbacks/perturbation_summary.py",
    "callbacks/summaries.py",
    "data/array_rows.py",
    "data/dataset_rows.py",
    "data/semi_supervised.py",
    "serving/export_for_serving.py",
    "serving/served_classifier.py",
    "serving/served_inputs.py",
    "serving/served_version.py",
    "serving/warmup_requests.py",
}


def test_few_files_know_which_backend_runs():
    package = pathlib.Path(keras_vat.__file__).parent
    telling = re.compile(r"^\s*(import|from) (tensorflow|jax|torch)\b|backend\.backend\(\)", re.M)
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if telling.search(path.read_text())
    }
    assert found == KNOW_THE_BACKEND | USE_TENSORFLOW
