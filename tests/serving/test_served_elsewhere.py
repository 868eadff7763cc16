"""The SavedModel where this package and Keras are not; through the command line; no traces."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vat

# A Python with only TensorFlow installed, if there is one; or this one, with all else hidden.
PYTHON = os.environ.get("KERAS_VAT_SERVING_PYTHON", sys.executable)

# Answers of the SavedModel in the first folder; what TensorFlow's command line shows of the one in
# the second; and what it writes when it runs the first.
ELSEWHERE = """
import sys
for hidden in ("keras_vat", "keras", "tf_keras", "tensorflow_serving"):
    sys.modules[hidden] = None
import contextlib
import io
import json
import tensorflow as tf
from tensorflow.python.tools import saved_model_cli

folder, shown, x, written = sys.argv[1:]
found = tf.saved_model.load(folder).signatures["serving_default"](
    inputs=tf.constant(json.loads(x))
)


def command_line(*words):
    output, sys.argv = io.StringIO(), ["saved_model_cli", *words]
    with contextlib.redirect_stdout(output):
        try:
            saved_model_cli.main()
        except SystemExit as end:
            assert not end.code
    return output.getvalue()


served = ["--tag_set", "serve", "--signature_def", "serving_default"]
shown = command_line("show", "--dir", shown, *served)
with open(written + "/x.npy", "wb") as file:
    saved_model_cli.np.save(file, saved_model_cli.np.array(json.loads(x), "float32"))
inputs = ["--inputs", f"inputs={written}/x.npy", "--outdir", written]
command_line("run", "--dir", folder, *served, *inputs)
print(json.dumps({
    "logits": found["logits"].numpy().tolist(),
    "probabilities": found["probabilities"].numpy().tolist(),
    "classes": [name.decode() for name in found["classes"].numpy()],
    "shown": shown,
}))
"""


@pytest.fixture(scope="module")
def elsewhere(rows, tmp_path_factory):
    """What a process without Keras and this package says, and what is right."""
    folder = tmp_path_factory.mktemp("elsewhere")
    whitening = keras_vat.data.ZCAWhitening()
    whitening.adapt(rows.unlabeled)
    keras.utils.set_random_seed(0)
    layers = [keras.layers.BatchNormalization(), keras.layers.Dense(3, "softmax")]
    model = keras_vat.VATModel(keras.Sequential([keras.Input((4,)), *layers]))
    settings = {"class_names": ["a", "b", "c"], "preprocessing": whitening}
    served = keras_vat.export_for_serving(model, folder / "one", **settings)
    image, facts = keras.Input((4, 4, 1), name="image"), keras.Input((3,), name="facts")
    parts = [keras.layers.Flatten()(image), facts]
    logits = keras.layers.Dense(5)(keras.layers.Concatenate()(parts))
    two_inputs = keras.Model({"image": image, "facts": facts}, logits)
    shown = keras_vat.export_for_serving(two_inputs, folder / "two", class_names=list("abcde"))
    run = subprocess.run(
        [PYTHON, "-c", ELSEWHERE, served, shown, json.dumps(rows.x.tolist()), folder],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    report = json.loads(run.stdout.splitlines()[-1])
    report["written"] = {
        name: np.load(folder / f"{name}.npy", allow_pickle=True)  # strings are objects
        for name in ("logits", "probabilities", "classes")
    }
    return report, np.array(model(whitening(rows.x)))


def test_it_answers_without_keras_and_without_this_package(elsewhere):
    found, expected = elsewhere
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
    np.testing.assert_allclose(keras.ops.softmax(np.array(found["logits"])), expected, atol=1e-6)
    assert found["classes"] == ["abc"[place] for place in np.argmax(expected, -1)]


def test_saved_model_cli_shows_the_signature(elsewhere):
    words = " ".join(elsewhere[0]["shown"].split())
    for line in (
        "inputs['image'] tensor_info: dtype: DT_FLOAT shape: (-1, 4, 4, 1)",
        "inputs['facts'] tensor_info: dtype: DT_FLOAT shape: (-1, 3)",
        "outputs['logits'] tensor_info: dtype: DT_FLOAT shape: (-1, 5)",
        "outputs['probabilities'] tensor_info: dtype: DT_FLOAT shape: (-1, 5)",
        "outputs['classes'] tensor_info: dtype: DT_STRING shape: (-1)",
        "Method name is: tensorflow/serving/predict",
    ):
        assert line in words


def test_saved_model_cli_runs_it(elsewhere):
    report, expected = elsewhere
    np.testing.assert_allclose(report["written"]["probabilities"], expected, atol=1e-6)
    np.testing.assert_allclose(report["written"]["logits"], report["logits"], atol=1e-6)
    names = [name.decode() for name in report["written"]["classes"]]
    assert names == report["classes"]


@pytest.mark.filterwarnings("ignore:[^$]*tf.lite.Interpreter is deprecated")
def test_tensorflow_lite_takes_it(served, make_classifier, rows):
    classifier = make_classifier("softmax", batch_norm=True)
    converter = tf.lite.TFLiteConverter.from_saved_model(served(classifier).folder)
    content = converter.convert()
    ask = tf.lite.Interpreter(model_content=content).get_signature_runner("serving_default")
    for batch in (rows.x, rows.x[:1]):
        found, expected = ask(inputs=batch), classifier(batch)
        np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
        np.testing.assert_array_equal(found["classes"], np.argmax(expected, -1))


@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
def test_onnx_takes_the_classifier(make_vat_model, rows, tmp_path):
    pytest.importorskip("tf2onnx", reason="tf2onnx, onnx and onnxruntime are not installed")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = make_vat_model([keras_vat.regularizers.get("vat", epsilon=1.0)])
    expected = model(rows.x)
    model.export(str(tmp_path / "classifier.onnx"), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "classifier.onnx")
    (found,) = session.run(None, {session.get_inputs()[0].name: rows.x})
    np.testing.assert_allclose(found, expected, atol=1e-6)


class Generator(keras.Model):
    """Encodes by a distinctive number of weights."""

    def __init__(self):
        super().__init__()
        self.secret = keras.layers.Dense(77, name="secret_encoder")
        self.build((None, 4))

    def build(self, input_shape):
        self.secret.build((None, 4))
        self.built = True

    def encode(self, x):
        return self.secret(x)

    def decode(self, z):
        return z[:, :4]


def test_no_trace_of_regularizers_generators_or_the_optimizer(
    served, make_vat_model, make_classifier, rows
):
    lvat = keras_vat.regularizers.LatentVirtualAdversarialTraining(Generator(), epsilon=1.0)
    vat = keras_vat.regularizers.VirtualAdversarialTraining(1.0, name="secret_regularizer")
    model = make_vat_model([vat, lvat], make_classifier(), optimizer="adam")
    model.fit(rows.x, rows.y, verbose=0)
    ask = served(model)
    files = [path for path in pathlib.Path(ask.folder).rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    for word in (b"secret", b"regularizer", b"adam", b"keras_vat", b"lvat"):
        assert word not in content.lower()
    saved = tf.train.list_variables(str(pathlib.Path(ask.folder) / "variables" / "variables"))
    shapes = [tuple(shape) for name, shape in saved if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    assert sorted(shapes) == sorted(tuple(w.shape) for w in model.classifier.weights)


@pytest.mark.slow
def test_without_the_serving_library_only_the_warmup_requests_are_missing(tmp_path):
    code = f"""
import sys
import importlib.util
installed = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: (
    None if name.startswith("tensorflow_serving") else installed(name, *rest)
)
sys.modules["tensorflow_serving"] = sys.modules["grpc"] = None
import keras
import keras_vat
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
keras_vat.export_for_serving(model, {str(tmp_path)!r})
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    assert (
        "no warm-up requests" in run.stderr and "pip install tensorflow-serving-api" in run.stderr
    )
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    assert loaded.signatures["serving_default"](inputs=tf.ones((3, 2)))["logits"].shape == (3, 2)
    assert not (tmp_path / "1" / "assets.extra").exists()
