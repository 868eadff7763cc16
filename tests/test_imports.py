"""What `import keras_vat` costs beyond Keras and TensorFlow."""

import subprocess
import sys


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
import sys, keras, tensorflow
before = set(sys.modules)
import keras_vat
print(*sorted({optional!r} & (set(sys.modules) - before)))
"""
    imported = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert imported.stdout.split() == []
