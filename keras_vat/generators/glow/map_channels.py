"""A linear map of the channels, the same at every pixel: what a 1x1 convolution is."""

from keras import ops


def map_channels(x, matrix, bias):
    """`x M + b` at every pixel of x `(batch, height, width, channels)`.

    One matrix product of all pixels; on CPUs it takes less time than a convolution.
    """
    rows = ops.matmul(ops.reshape(x, (-1, x.shape[-1])), matrix) + bias
    return ops.reshape(rows, (-1, *x.shape[1:-1], matrix.shape[-1]))
