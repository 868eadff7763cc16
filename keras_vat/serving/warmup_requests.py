"""Requests that TensorFlow Serving runs through a model when it loads it."""

import importlib.util
import warnings

import tensorflow as tf

MESSAGES = "tensorflow_serving"  # the package, in the extra `serving`


def write_warmup_requests(folder, signature, names, batches):
    """Adds requests to the SavedModel in a folder; warns where their messages aren't installed.

    Args:
        folder: Folder of the SavedModel.
        signature: Name of the signature that they ask.
        names: Names of the signature's inputs.
        batches: List of batches; each is a list of tensors, one for each name.
    """
    if importlib.util.find_spec(MESSAGES) is None:
        warnings.warn(
            "The version has no warm-up requests, so that a server's first answer is slow: their "
            "messages are those of tensorflow-serving-api (`pip install tensorflow-serving-api`), "
            "which isn't installed.",
            stacklevel=4,
        )
        return
    extra = tf.io.gfile.join(folder, "assets.extra")
    tf.io.gfile.makedirs(extra)
    with tf.io.TFRecordWriter(tf.io.gfile.join(extra, "tf_serving_warmup_requests")) as writer:
        for batch in batches:
            log = prediction_log(signature, dict(zip(names, batch, strict=True)))
            writer.write(log.SerializeToString())


def prediction_log(signature, inputs):
    """A `PredictionLog` of one Predict request, from a dictionary of names and tensors."""
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, tensor in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor.numpy()))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )
