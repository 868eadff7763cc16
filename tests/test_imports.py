"""What `import keras_vat` costs beyond Keras and TensorFlow."""

import os
import pathlib
import re
import subprocess
import sys

import keras
import pytest

import keras_vat

OPTIONAL = {
    "matplotlib",
    "tensorflow_datasets",
    "tensorflow_probability",
    "tensorflow_serving",
    "tf_keras",
    "sklearn",
}

# Keras and TensorFlow themselves import some of them where they are installed; only then they are
# taken away.
WITHOUT_OPTIONAL_LIBRARIES = f"""
import sys
import keras
{"import tensorflow" if keras.backend.backend() == "tensorflow" else ""}

asked_for = []


class Hide:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {OPTIONAL!r}:
            asked_for.append(name)
            raise ModuleNotFoundError(name)


for name in list(sys.modules):
    if name.partition(".")[0] in {OPTIONAL!r}:
        del sys.modules[name]
sys.meta_path.insert(0, Hide())
import keras_vat
import keras_vat.data
import keras_vat.plotting
print("asked for:", *asked_for)
"""


def test_every_room_is_imported_without_optional_libraries():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPTIONAL_LIBRARIES], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].split() == ["asked", "for:"]


@pytest.mark.slow
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
        "`keras_vat.wrappers` needs scikit-learn. Install it with `pip install scikit-learn`.",
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
        # JAX itself asks for TensorFlow to look at the folder of its cache.
        env={**os.environ, "JAX_ENABLE_X64": "0", "JAX_COMPILATION_CACHE_DIR": ""},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].split() == ["asked", "for:"]
    assert "float64" not in done.stderr


ON_OTHER_BACKENDS = """
import keras
for backend in ("torch", "numpy"):
    keras.backend.backend = lambda: backend
    try:
        import keras_vat
    except ImportError as error:
        print(error)
"""


@pytest.mark.slow
def test_other_backends_are_refused():
    done = subprocess.run(
        [sys.executable, "-c", ON_OTHER_BACKENDS], capture_output=True, text=True, check=True
    )
    messages = done.stdout.splitlines()
    assert len(messages) == 2
    for message, backend in zip(messages, ("torch", "numpy"), strict=True):
        assert message.startswith("keras_vat runs on TensorFlow and on JAX.")
        assert f"Received: Keras's backend '{backend}'" in message and "KERAS_BACKEND" in message


KNOW_THE_BACKEND = {
    "autodiff/__init__.py",
    "autodiff/jax_autodiff.py",
    "autodiff/tensorflow_autodiff.py",
    "autodiff/tensorflow_noise.py",
    "training/jax_training.py",
    "training/replicas.py",
    "training/same_start.py",
    "training/tensorflow_training.py",
    "training/__init__.py",
}


# Whatever the backend, these read pipelines of tf.data, write SavedModels and TensorBoard's
# summaries.
USE_TENSORFLOW = {
    "callbacks/perturbation_summary.py",
    "callbacks/summaries.py",
    "data/array_rows.py",
    "data/dataset_rows.py",
    "data/pass_seeds.py",
    "data/semi_supervised.py",
    "data/shuffle_buffer.py",
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
