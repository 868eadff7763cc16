"""The mask that Keras's layers hand on with a tensor: which positions are no padding."""

import keras


def mask_of(outputs):
    """The mask of a tensor, booleans `(batch, positions)`, or `None`: all positions count."""
    return OutputMask()(outputs)[1]


def with_mask(outputs, mask):
    """The tensor with a mask, as a compiled loss looks for it."""
    return outputs if mask is None else OutputMask()(outputs, mask=mask)[0]


class OutputMask(keras.layers.Layer):
    """Returns a tensor and its mask: the one that Keras finds with it, or the one given.

    Keras notes a given one with the tensor, on any backend.
    """

    def __init__(self):
        super().__init__(autocast=False)
        self.supports_masking = True

    def call(self, outputs, mask=None):
        return outputs, mask
