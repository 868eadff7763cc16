"""Requests and answers in TensorFlow Serving's two shapes: gRPC Predict and REST JSON."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vat

predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")


def over_the_wire(message):
    return type(message).FromString(message.SerializeToString())


def predict(ask, request):
    """What a server does with a `PredictRequest`: tensors in, the named outputs out."""
    request = over_the_wire(request)
    assert request.model_spec.signature_name == "serving_default"
    inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
    response = predict_pb2.PredictResponse()
    for name, value in ask(**inputs).items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    return over_the_wire(response)


def rest(ask, body):
    """What a server makes of TensorFlow Serving's two formats, by rows and by columns.

    Rows are a list with an entry for each example: with one input an entry is its value, with
    several an object of them. Columns are the whole batch, or an object of them. Likewise the
    answer, by the number of outputs.
    """
    body, names = json.loads(body), list(ask.signature.structured_input_signature[1])
    if "inputs" in body:
        columns = body["inputs"] if len(names) > 1 else {names[0]: body["inputs"]}
    else:
        rows = body["instances"]
        rows = rows if len(names) > 1 else [{names[0]: row} for row in rows]
        columns = {name: [row[name] for row in rows] for name in names}
    answers = ask(**{name: np.array(column, "float32") for name, column in columns.items()})
    lists = {
        name: [item.decode() if isinstance(item, bytes) else item for item in value.tolist()]
        for name, value in answers.items()
    }
    alone = next(iter(lists.values())) if len(lists) == 1 else None
    if "inputs" in body:
        return json.dumps({"outputs": alone or lists})
    by_row = zip(*lists.values(), strict=True)
    predictions = alone or [dict(zip(lists, row, strict=True)) for row in by_row]
    return json.dumps({"predictions": predictions})


def test_grpc_predict(served, two_inputs, two_inputs_batch):
    classifier = two_inputs(dict)
    ask = served(classifier, class_names=list("abcde"))
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "pair"
    request.model_spec.signature_name = "serving_default"
    for name, value in two_inputs_batch.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    outputs = predict(ask, request).outputs
    logits = tf.make_ndarray(outputs["logits"])
    np.testing.assert_allclose(logits, classifier(two_inputs_batch), atol=1e-6)
    assert outputs["classes"].dtype == tf.string.as_datatype_enum
    expected = ["abcde"[place].encode() for place in logits.argmax(-1)]
    assert list(outputs["classes"].string_val) == expected


def test_rest_rows_of_one_input(served, make_classifier, rows):
    classifier = make_classifier("softmax")
    body = json.dumps({"instances": rows.x.tolist()})
    predictions = json.loads(rest(served(classifier), body))["predictions"]
    assert len(predictions) == len(rows.x)
    assert set(predictions[0]) == {"logits", "probabilities", "classes"}
    probabilities = np.array([row["probabilities"] for row in predictions])
    np.testing.assert_allclose(probabilities, classifier(rows.x), atol=1e-6)
    assert [row["classes"] for row in predictions] == probabilities.argmax(-1).tolist()


def test_rest_columns(served, two_inputs, two_inputs_batch):
    classifier = two_inputs(dict)
    body = {"inputs": {name: value.tolist() for name, value in two_inputs_batch.items()}}
    outputs = json.loads(rest(served(classifier), json.dumps(body)))["outputs"]
    np.testing.assert_allclose(outputs["logits"], classifier(two_inputs_batch), atol=1e-6)
    assert outputs["classes"] == np.argmax(outputs["logits"], -1).tolist()


def test_rest_values_of_a_regression_have_no_name(served, rows):
    regression = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    ask = served(keras_vat.VATModel(regression, output="gaussian"))
    for question, answer in (("instances", "predictions"), ("inputs", "outputs")):
        found = json.loads(rest(ask, json.dumps({question: rows.x.tolist()})))[answer]
        np.testing.assert_allclose(found, regression(rows.x), atol=1e-6)


def test_rest_rows_of_several_inputs_and_names(served, two_inputs, two_inputs_batch):
    classifier = two_inputs(list)
    rows = [
        {"image": image.tolist(), "facts": facts.tolist()}
        for image, facts in zip(*two_inputs_batch.values(), strict=True)
    ]
    ask = served(classifier, class_names=list("abcde"))
    predictions = json.loads(rest(ask, json.dumps({"instances": rows})))["predictions"]
    logits = keras.ops.convert_to_numpy(classifier(list(two_inputs_batch.values())))
    expected = ["abcde"[place] for place in logits.argmax(-1)]
    assert [row["classes"] for row in predictions] == expected
