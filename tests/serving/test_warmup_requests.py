"""The requests that a server runs first, read with the messages that define them."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

prediction_log_pb2 = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")


def requests(folder):
    path = pathlib.Path(folder) / "assets.extra" / "tf_serving_warmup_requests"
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    assert not any(log.predict_log.HasField("response") for log in logs)
    return [log.predict_log.request for log in logs]


def arrays(request):
    return {name: tf.make_ndarray(value) for name, value in request.inputs.items()}


def test_zeros_for_the_declared_inputs(served, two_inputs):
    alone, together = requests(served(two_inputs(dict)).folder)
    assert alone.model_spec.signature_name == "serving_default"
    for request, size in ((alone, 1), (together, 2)):
        found = arrays(request)
        assert {name: value.shape for name, value in found.items()} == {
            "facts": (size, 3),
            "image": (size, 4, 4, 1),
        }
        assert all(value.dtype == np.float32 and not value.any() for value in found.values())


def test_the_example_is_what_is_sent(served, two_inputs, two_inputs_batch):
    alone, together = requests(
        served(two_inputs(list), example=list(two_inputs_batch.values())).folder
    )
    for name, value in two_inputs_batch.items():
        np.testing.assert_array_equal(arrays(together)[name], value)
        np.testing.assert_array_equal(arrays(alone)[name], value[:1])


def test_an_example_of_one_row_is_one_request(served, make_classifier):
    (request,) = requests(served(make_classifier(), example=np.ones((1, 4))).folder)
    assert arrays(request)["inputs"].dtype == np.float32


def test_large_messages_have_long_lengths(served, make_classifier, rows):
    """Lengths of one, two and three bytes."""
    for size in (1, 100, 3000):
        *_, last = requests(
            served(make_classifier(), example=np.ones((size, 4)), overwrite=True).folder
        )
        assert arrays(last)["inputs"].shape == (size, 4)


def test_requests_are_answered(served, make_classifier, rows):
    classifier = make_classifier()
    ask = served(classifier, example=rows.x)
    for request in requests(ask.folder):
        found = ask(**arrays(request))
        np.testing.assert_allclose(
            found["logits"], classifier(arrays(request)["inputs"]), atol=1e-6
        )
