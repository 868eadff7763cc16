"""From training to TensorFlow Serving and to TensorFlow Lite: digits with 100 labels
==================================================================================

Trains a small convolutional net by virtual adversarial training, exports it as a version of a
model for TensorFlow Serving, asks the SavedModel what a server would be asked, and converts the
same SavedModel for phones. About half a minute on two cores, offline. Warm-up requests for
the server need the extra `serving`.

What to expect: all answer alike (94.0 % of the test digits; 93.8 % with 8-bit weights, whose file
is a quarter), one image in 0.3 ms by the SavedModel and in 0.02 ms by TensorFlow Lite, 0.01 ms with
8-bit weights. TensorFlow warns that its Lite interpreter will give way to LiteRT's.

::

    python examples/serving.py --path /tmp/models/digits

Then, where Docker is::

    docker run -p 8500:8500 -p 8501:8501 -e MODEL_NAME=digits \\
        -v /tmp/models/digits:/models/digits tensorflow/serving
    curl http://localhost:8501/v1/models/digits/metadata
    curl http://localhost:8501/v1/models/digits:predict -d @/tmp/models/digits/request.json
"""

import argparse
import json
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import keras_vat

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def train():
    (x, y), test = keras_vat.data.load("digits")
    rows = keras_vat.data.labeled_split(y, num_labels=100)
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
    vat = keras_vat.regularizers.VirtualAdversarialTraining(epsilon=0.6)
    model = keras_vat.VATModel(keras.Sequential(layers), vat)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    batches = keras_vat.data.semi_supervised((x[rows], y[rows]), x, seed=0)
    model.fit(batches, epochs=20, verbose=0)
    return model, test


def measure(name, ask, x, y, size):
    """Test accuracy, and the median time of one image."""
    accuracy = np.mean(ask(x).argmax(-1) == y)
    times = []
    for row in range(200):
        start = time.perf_counter()
        ask(x[row : row + 1])
        times.append(time.perf_counter() - start)
    milliseconds = 1e3 * np.median(times[20:])
    print(f"{name:28} accuracy {accuracy:.4f}   {milliseconds:6.3f} ms   {size / 1024:6.0f} KiB")


def lite(saved_model, quantized):
    """The SavedModel as a TensorFlow Lite model, and a function that asks it."""
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT] if quantized else []
    content = converter.convert()
    runner = tf.lite.Interpreter(model_content=content).get_signature_runner("serving_default")
    return content, lambda x: runner(inputs=x)["probabilities"]


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--path", type=pathlib.Path, help="folder of versions; None: a new one")
    path = parser.parse_args().path or pathlib.Path(tempfile.mkdtemp()) / "digits"
    version = 1 + max((int(p.name) for p in path.glob("*") if p.name.isdigit()), default=0)

    model, (x, y) = train()
    folder = keras_vat.export_for_serving(model, path, version=version, class_names=NAMES)
    print("exported to", folder)
    (path / "request.json").write_text(json.dumps({"instances": x[:3].tolist()}))

    loaded = tf.saved_model.load(folder)
    answer = loaded.signatures["serving_default"](inputs=tf.constant(x[:3]))
    print("three digits:", [name.decode() for name in answer["classes"].numpy()], "are", y[:3])

    size = sum(file.stat().st_size for file in pathlib.Path(folder).rglob("*") if file.is_file())
    measure("Keras", lambda x: model(x).numpy(), x, y, size)

    def ask(x):
        return loaded.signatures["serving_default"](inputs=tf.constant(x))["probabilities"].numpy()

    measure("SavedModel", ask, x, y, size)

    # Strings have no place on a phone: a second export, without the names.
    plain = keras_vat.export_for_serving(model, tempfile.mkdtemp())
    for name, quantized in (("TensorFlow Lite", False), ("TensorFlow Lite, 8-bit", True)):
        content, ask = lite(plain, quantized)
        (path / f"digits{'-8bit' if quantized else ''}.tflite").write_bytes(content)
        measure(name, ask, x, y, len(content))


if __name__ == "__main__":
    main()
