"""Wrong arguments are refused by name, and nothing is written."""

import keras
import numpy as np
import pytest

import keras_vat

pytestmark = pytest.mark.backend("tensorflow")


def open_sizes():
    return keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(2)])


def names_alike():
    first, second = keras.Input((2,), name="a b"), keras.Input((2,), name="c")
    return keras.Model([first, second], keras.layers.Dense(2)(first + second))


def named():
    inputs = {name: keras.Input((2,), name=name) for name in ("a", "b")}
    return keras.Model(inputs, keras.layers.Dense(2)(inputs["a"] + inputs["b"]))


def two_outputs():
    inputs = keras.Input((2,))
    return keras.Model(
        inputs,
        [keras.layers.Dense(2, name="one")(inputs), keras.layers.Dense(2, name="other")(inputs)],
    )


def unreadable():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.ReLU()])


def regression():
    return keras_vat.VATModel(logits(), output="gaussian")


def logits():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])


def sigmoid():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])


CASES = [
    (lambda: "model", {}, TypeError, "`model` must be a VATModel"),
    (lambda: keras.Sequential([keras.layers.Dense(2)]), {}, ValueError, "`model` must be built"),
    (names_alike, {}, ValueError, "`model` must have inputs whose names"),
    (two_outputs, {"class_names": ["a", "b"]}, ValueError, "`class_names` must be a dictionary"),
    (two_outputs, {"class_names": {"x": ["a"]}}, ValueError, "`class_names` must be a dictionary"),
    (two_outputs, {"class_names": {"one": ["a", "b"]}}, ValueError, "outputs that classify"),
    (unreadable, {}, ValueError, "(?s)from_logits.*export keras_vat.VATModel"),
    (logits, {"path": 3}, TypeError, "`path` must be a string or a path.*Received: path=3"),
    (logits, {"path": ""}, TypeError, "`path` must be .* not empty.*Received: path=''"),
    (logits, {"overwrite": "no"}, TypeError, "`overwrite` must be True or False.*='no'"),
    (logits, {"version": 0}, ValueError, "`version` must be at least 1"),
    (logits, {"version": "1"}, TypeError, "`version` must be an integer"),
    (logits, {"input_name": "a b"}, ValueError, "`input_name` must be a string.*'a b'"),
    (logits, {"input_name": 3}, ValueError, "`input_name` must be a string.*=3"),
    (named, {"input_name": "foo"}, ValueError, r"`input_name`.*='foo' for inputs \['a', 'b'\]"),
    (logits, {"class_names": ["a", "b"]}, ValueError, "`class_names`.* 3 classes.*'a', 'b'"),
    (logits, {"class_names": "abc"}, TypeError, "`class_names` must be a list of strings"),
    (logits, {"class_names": {"a", "b", "c"}}, TypeError, "`class_names` must be a list of"),
    (logits, {"class_names": 3}, TypeError, "`class_names` must be a list of strings.*=3"),
    (logits, {"class_names": [1, 2, 3]}, TypeError, "`class_names` must be a list of strings"),
    (logits, {"class_names": ["a", "b", "a"]}, ValueError, "`class_names` must differ"),
    (sigmoid, {"class_names": ["a"]}, ValueError, "`class_names`.*classes 0 and 1"),
    (regression, {"class_names": ["a"]}, ValueError, "`class_names`.*regression has no classes"),
    (logits, {"preprocessing": 3}, TypeError, "`preprocessing` must be.*=3"),
    (logits, {"example": np.zeros((2, 5))}, ValueError, r"`example` must be.*\(2, 5\)"),
    (logits, {"example": 1.0}, ValueError, r"`example` must be.*shapes \[\(\)\]"),
    (logits, {"preprocessing": lambda x: np.sqrt(x)}, ValueError, "`preprocessing` must be made"),
    (logits, {"example": np.zeros((0, 2))}, ValueError, r"`example` must be.*\(0, 2\)"),
    (open_sizes, {}, ValueError, r"`example` is needed.*'inputs' open.*\(None, None, 3\)"),
]


@pytest.mark.parametrize("make, settings, error, message", CASES)
def test_bad_calls(tmp_path, make, settings, error, message):
    path = settings.get("path", tmp_path / "model")
    with pytest.raises(error, match=message):
        keras_vat.export_for_serving(make(), **{**settings, "path": path})
    assert not (tmp_path / "model").exists() or not list((tmp_path / "model").iterdir())


def test_a_classifier_that_declares_nothing_needs_an_example(tmp_path):
    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs["a"] + inputs["b"])

    classifier, batch = Pair(), {"a": np.ones((2, 4)), "b": np.ones((2, 4))}
    classifier(batch)
    with pytest.raises(ValueError, match="`example` is needed.*declares no inputs"):
        keras_vat.export_for_serving(classifier, tmp_path)
    model = keras_vat.VATModel(classifier, from_logits=True)
    assert keras_vat.export_for_serving(model, tmp_path, example=batch) == str(tmp_path / "1")
