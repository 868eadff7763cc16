"""Telling `tf.data` pipelines from arrays, also where TensorFlow is not there."""

import sys


def is_dataset(data):
    """Whether something is a `tf.data.Dataset`; TensorFlow is not imported to find out."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(data, tensorflow.data.Dataset)
