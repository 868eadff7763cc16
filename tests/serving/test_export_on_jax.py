"""From JAX to a SavedModel: by Keras's own export, or by a process on TensorFlow."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_vat

pytestmark = pytest.mark.backend("jax")
NEEDS_TENSORFLOW = "a SavedModel is written and read by TensorFlow, which is not installed"

SCRIPT = """
import sys
import keras
import keras_vat

model = keras.saving.load_model(sys.argv[1])
print(keras_vat.export_for_serving(model, sys.argv[2], class_names=["a", "b", "c"]))
"""


@pytest.fixture
def trained(rows):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(6, "tanh"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(3, "softmax"),
    ]
    vat = keras_vat.regularizers.VirtualAdversarialTraining(epsilon=1.0, seed=0)
    model = keras_vat.VATModel(keras.Sequential(layers), vat)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(rows.x, rows.y, epochs=2, verbose=0)
    return model


def test_serving_is_refused_with_the_ways_out(trained, tmp_path):
    with pytest.raises(RuntimeError, match="needs Keras on TensorFlow") as refused:
        keras_vat.export_for_serving(trained, tmp_path / "served")
    for part in (
        "model.save",
        "KERAS_BACKEND=tensorflow",
        "model.export",
        "Received: backend='jax'",
    ):
        assert part in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:The `native_serialization` parameter:DeprecationWarning")
def test_keras_exports_the_classifier(trained, rows, tmp_path):
    tensorflow = pytest.importorskip("tensorflow", reason=NEEDS_TENSORFLOW)
    trained.export(tmp_path / "exported", verbose=False)
    loaded = tensorflow.saved_model.load(tmp_path / "exported")
    for count in (12, 1):  # any batch size
        expected = np.asarray(trained(rows.x[:count]))
        np.testing.assert_allclose(loaded.serve(rows.x[:count]), expected, rtol=1e-5, atol=1e-7)


def test_a_process_on_tensorflow_serves_what_jax_trained(trained, rows, tmp_path):
    tensorflow = pytest.importorskip("tensorflow", reason=NEEDS_TENSORFLOW)
    trained.save(tmp_path / "model.keras")
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path / "model.keras", tmp_path / "served"],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )
    assert run.returncode == 0, run.stderr[-3000:]
    folder = run.stdout.splitlines()[-1]
    serve = tensorflow.saved_model.load(folder).signatures["serving_default"]
    answers = serve(inputs=tensorflow.constant(rows.x))
    expected = np.asarray(trained(rows.x))
    np.testing.assert_allclose(answers["probabilities"], expected, rtol=1e-5, atol=1e-6)
    names = np.array([b"a", b"b", b"c"])[expected.argmax(-1)]
    assert answers["classes"].numpy().tolist() == names.tolist()
