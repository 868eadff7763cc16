"""Activation normalization and 1x1 convolution as one map, and its inverse."""

import keras
from keras import ops

from keras_vat.autodiff import widest_float


class FoldedConvolution(keras.layers.Layer):
    """What a frozen level applies instead of its actnorm and its convolution.

    Formula, for each step, with the actnorm's scale s and shift t and the convolution's W:

        y = (s x + t) W = x M + b,   M = diag(s) W,   b = t W
        x = y M^-1 - b M^-1

    The variables are zero until `store` sets them.

    Args:
        num_steps: Number of steps.
        channels: Number of channels.
        **kwargs: `name` and `dtype` of the layer.
    """

    def __init__(self, num_steps, channels, **kwargs):
        super().__init__(autocast=False, trainable=False, **kwargs)

        def variable(name, *shape):
            options = {"initializer": "zeros", "trainable": False, "autocast": False}
            return self.add_weight(name=name, shape=shape, **options)

        self.matrix = variable("matrix", num_steps, channels, channels)
        self.bias = variable("bias", num_steps, channels)
        self.inverse_matrix = variable("inverse_matrix", num_steps, channels, channels)
        self.inverse_bias = variable("inverse_bias", num_steps, channels)
        self.log_det = variable("log_det")
        self.built = True

    def store(self, actnorm, convolution):
        """Folds the two layers and keeps the result."""
        matrix, bias = fold(actnorm, convolution)
        inverse_matrix, inverse_bias = invert(matrix, bias)
        self.matrix.assign(matrix)
        self.bias.assign(bias)
        self.inverse_matrix.assign(inverse_matrix)
        self.inverse_bias.assign(inverse_bias)
        self.log_det.assign(log_det_per_pixel(actnorm, convolution))


def fold(actnorm, convolution):
    """M `(num_steps, channels, channels)` and b `(num_steps, channels)` of all steps.

    The matrices are so small that double precision costs nothing, and what it saves adds up over
    dozens of steps.
    """
    dtype = widest_float()
    matrices = convolution.matrices(dtype)
    scale = ops.exp(ops.cast(actnorm.log_scale, dtype))
    shift = ops.cast(actnorm.shift, dtype)
    return scale[:, :, None] * matrices, _row_times_matrix(shift, matrices)


def invert(matrix, bias):
    """M^-1 and -b M^-1 of all steps."""
    inverse_matrix = ops.inv(matrix)
    return inverse_matrix, -_row_times_matrix(bias, inverse_matrix)


def log_det_per_pixel(actnorm, convolution):
    """log|det| of all steps together, at one pixel: a scalar."""
    return ops.sum(actnorm.log_scale) + ops.sum(convolution.log_abs_diagonal)


def _row_times_matrix(rows, matrices):
    return ops.squeeze(ops.matmul(rows[:, None, :], matrices), axis=1)
