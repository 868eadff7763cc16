"""Requests that TensorFlow Serving runs through a model when it loads it.

A server reads them as `tensorflow.serving.PredictionLog` messages. Three fields of that message
are needed, so they are written here, byte by byte; the package that defines it
(tensorflow-serving-api, in the extra `serving`) need not be installed.
"""

import tensorflow as tf

# Field numbers of prediction_log.proto, predict.proto and model.proto of tensorflow_serving/apis.
_LOG_PREDICT_LOG = 6
_PREDICT_LOG_REQUEST = 1
_REQUEST_MODEL_SPEC = 1
_REQUEST_INPUTS = 2
_SPEC_SIGNATURE_NAME = 3
_MAP_KEY = 1
_MAP_VALUE = 2


def write_warmup_requests(folder, signature, names, batches):
    """Adds requests to the SavedModel in a folder.

    Args:
        folder: Folder of the SavedModel.
        signature: Name of the signature that they ask.
        names: Names of the signature's inputs.
        batches: List of batches; each is a list of tensors, one for each name.
    """
    extra = tf.io.gfile.join(folder, "assets.extra")
    tf.io.gfile.makedirs(extra)
    with tf.io.TFRecordWriter(tf.io.gfile.join(extra, "tf_serving_warmup_requests")) as writer:
        for batch in batches:
            writer.write(prediction_log(signature, dict(zip(names, batch, strict=True))))


def prediction_log(signature, inputs):
    """A serialized `PredictionLog` of one Predict request."""
    request = _field(_REQUEST_MODEL_SPEC, _field(_SPEC_SIGNATURE_NAME, signature.encode()))
    for name, tensor in inputs.items():
        value = tf.make_tensor_proto(tensor.numpy()).SerializeToString()
        entry = _field(_MAP_KEY, name.encode()) + _field(_MAP_VALUE, value)
        request += _field(_REQUEST_INPUTS, entry)
    return _field(_LOG_PREDICT_LOG, _field(_PREDICT_LOG_REQUEST, request))


def _field(number, content):
    """A protocol buffer field that holds bytes, a string or a message."""
    length_delimited = 2
    return _varint(number << 3 | length_delimited) + _varint(len(content)) + content


def _varint(number):
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])
