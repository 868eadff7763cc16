"""What `import keras_vat` costs beyond Keras and TensorFlow."""

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


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="TensorFlow is the backend")
def test_tensorflow_is_not_imported_on_jax():
    code = "import sys, keras_vat; print('tensorflow' in sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert imported.stdout.split() == ["False"]


# Whatever the backend, `data/` reads pipelines of tf.data, `serving/` writes SavedModels, and
# summaries are TensorBoard's.
KNOW_THE_BACKEND = {
    "autodiff/__init__.py",
    "autodiff/jax_autodiff.py",
    "autodiff/tensorflow_autodiff.py",
    "jax_training.py",
    "replicas.py",
    "tensorflow_training.py",
    "training.py",
}


def test_few_files_know_which_backend_runs():
    package = pathlib.Path(keras_vat.__file__).parent
    telling = re.compile(r"^\s*(import|from) (tensorflow|jax|torch)\b|backend\.backend\(\)", re.M)
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if telling.search(path.read_text())
    }
    others = ("data/", "serving", "callbacks/summaries.py", "callbacks/perturbation_summary.py")
    elsewhere = {name for name in found if not name.startswith(others)}
    assert elsewhere == KNOW_THE_BACKEND & found
    assert {"autodiff/jax_autodiff.py", "jax_training.py"} <= found
