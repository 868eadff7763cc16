"""Numbers and pictures in TensorBoard's format, written by TensorFlow alone.

`tf.summary.scalar` and `tf.summary.image` need the tensorboard package; `tf.summary.write` doesn't.
"""

# TensorBoard's DataClass.
_SCALAR, _BLOB_SEQUENCE = 1, 3


def write_scalar(tag, value):
    """Writes a number to the default writer, at its step."""
    import tensorflow as tf

    tf.summary.write(tag, tf.constant(value, "float32"), metadata=_metadata("scalars", _SCALAR))


def write_image(tag, picture):
    """Writes a picture, `(height, width, 3)` bytes, to the default writer, at its step."""
    import tensorflow as tf

    height, width = picture.shape[:2]
    content = tf.stack([str(width), str(height), tf.io.encode_png(picture)])
    tf.summary.write(tag, content, metadata=_metadata("images", _BLOB_SEQUENCE))


def _metadata(plugin, data_class):
    """Says which part of TensorBoard shows what is written."""
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata(data_class=data_class)
    metadata.plugin_data.plugin_name = plugin
    return metadata
