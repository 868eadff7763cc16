"""Exporting a classifier and asking the SavedModel."""

import keras
import numpy as np
import pytest

import keras_vat


@pytest.fixture
def served(tmp_path):
    """Exports a model and returns `ask(*inputs) -> {output name: array}`."""

    import tensorflow as tf

    def export(model, **settings):
        folder = keras_vat.export_for_serving(model, tmp_path / "model", **settings)
        signature = tf.saved_model.load(folder).signatures["serving_default"]

        def ask(**inputs):
            answers = signature(**{name: tf.constant(value) for name, value in inputs.items()})
            return {name: value.numpy() for name, value in answers.items()}

        ask.folder, ask.signature = folder, signature
        return ask

    return export


@pytest.fixture
def two_inputs():
    """Builds a classifier of an image and a vector, given as a dict or as a list."""

    def make(kind):
        image, facts = keras.Input((4, 4, 1), name="image"), keras.Input((3,), name="facts")
        parts = [keras.layers.Flatten()(image), facts]
        logits = keras.layers.Dense(5)(keras.layers.Concatenate()(parts))
        inputs = [image, facts] if kind is list else {"image": image, "facts": facts}
        return keras.Model(inputs, logits)

    return make


@pytest.fixture
def two_inputs_batch():
    rng = np.random.default_rng(0)
    return {
        "image": rng.normal(size=(6, 4, 4, 1)).astype("float32"),
        "facts": rng.normal(size=(6, 3)).astype("float32"),
    }
