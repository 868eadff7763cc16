"""Requests and answers in TensorFlow Serving's two shapes: gRPC Predict and REST JSON."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

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
    """TensorFlow Serving's row format: a list with an entry for each example, in and out.

    With one input an entry is its value, with several an object of them; likewise the answer.
    """
    rows = json.loads(body)["instances"]
    names = list(ask.signature.structured_input_signature[1])
    if len(names) == 1:
        rows = [{names[0]: row} for row in rows]
    answers = ask(**{name: np.array([row[name] for row in rows], "float32") for name in names})
    lists = {
        name: [item.decode() if isinstance(item, bytes) else item for item in value.tolist()]
        for name, value in answers.items()
    }
    predictions = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
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
