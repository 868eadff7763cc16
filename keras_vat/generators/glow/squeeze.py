"""Squeezing: blocks of 2x2 pixels become channels of one."""

from keras import ops


def squeeze(x):
    """`(batch, height, width, channels)` to `(batch, height / 2, width / 2, 4 channels)`."""
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, height // 2, width // 2, 4 * channels))


def unsqueeze(x):
    """The inverse of `squeeze`."""
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height, width, 2, 2, channels // 4))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, 2 * height, 2 * width, channels // 4))
