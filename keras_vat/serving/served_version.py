"""Writes a version of a model where TensorFlow Serving finds it."""

import uuid

import keras
import tensorflow as tf

from keras_vat.serving.served_classifier import ServedClassifier
from keras_vat.serving.served_inputs import ServedInputs
from keras_vat.serving.warmup_requests import write_warmup_requests

SIGNATURE = "serving_default"


def write_version(model, path, version, input_name, class_names, preprocessing, example, overwrite):
    """As `export_for_serving`, with a path and a version that were checked."""
    classifier = ServedClassifier(model, class_names, preprocessing)
    folder = tf.io.gfile.join(path, str(version))
    if tf.io.gfile.exists(folder) and not overwrite:
        raise FileExistsError(
            "`version` exists already; export the next one, or set `overwrite=True` to replace it. "
            f"Received: version={version}, path={path!r}"
        )
    inputs = ServedInputs(classifier.model, input_name, example, preprocessing is not None)

    def serve(*tensors):
        return classifier(inputs.pack(tensors))

    for batch in inputs.warmup_batches:
        serve(*batch)  # builds the preprocessing, and shows that the requests can be answered
    archive = keras.export.ExportArchive()
    # Tracked for their lookup tables. A layer tracked by itself has its weights written twice.
    parts = tf.Module()
    parts.layers = classifier.layers
    archive.track(parts)
    archive.add_endpoint(SIGNATURE, serve, inputs.specs)

    hidden = tf.io.gfile.join(path, f".{version}-{uuid.uuid4().hex}")
    try:
        archive.write_out(hidden, verbose=False)
        write_warmup_requests(hidden, SIGNATURE, inputs.names, inputs.warmup_batches)
        _publish(hidden, folder)
    finally:
        if tf.io.gfile.exists(hidden):
            tf.io.gfile.rmtree(hidden)
    return folder


def _publish(hidden, folder):
    """Renames a finished version; one that is there already stays until then."""
    replaced = f"{hidden}-replaced"
    exists = tf.io.gfile.exists(folder)
    if exists:
        tf.io.gfile.rename(folder, replaced)
    try:
        tf.io.gfile.rename(hidden, folder)
    except BaseException:
        if exists:
            tf.io.gfile.rename(replaced, folder)
        raise
    if exists:
        tf.io.gfile.rmtree(replaced)
