"""Activation normalization: a scale and a shift for each channel."""

import keras
from keras import ops

_SMALLEST_DEVIATION = 1e-6


class Actnorm(keras.layers.Layer):
    """The scales and shifts of all steps of a level, set from data once.

    Formula, for step k and channel c:

        y = exp(log_scale[k, c]) x + shift[k, c]

    so that y has mean 0 and variance 1 on the images of the initialisation; afterwards both are
    weights as any others. The level folds this map into the convolution that follows it.

    Args:
        num_steps: Number of steps.
        channels: Number of channels.
        **kwargs: `name` and `dtype` of the layer.

    Reference:
        Kingma and Dhariwal, "Glow" (arXiv:1807.03039), section 3.1.
    """

    def __init__(self, num_steps, channels, **kwargs):
        super().__init__(autocast=False, **kwargs)
        shape, options = (num_steps, channels), {"initializer": "zeros", "autocast": False}
        self.log_scale = self.add_weight(name="log_scale", shape=shape, **options)
        self.shift = self.add_weight(name="shift", shape=shape, **options)
        self._initialized = self.add_weight(
            name="initialized", shape=(), trainable=False, **options
        )
        self.built = True

    @property
    def initialized(self):
        """Whether the weights come from data; a file and `set_weights` bring it along."""
        return bool(ops.convert_to_numpy(self._initialized))

    def assign(self, log_scale, shift):
        """Sets the weights of all steps, `(num_steps, channels)` each."""
        self.log_scale.assign(log_scale)
        self.shift.assign(shift)
        self._initialized.assign(1.0)


def normalizing_map(x):
    """Log-scale and shift, `(channels,)` each, that give x mean 0 and variance 1."""
    mean, variance = ops.moments(x, axes=(0, 1, 2))
    log_scale = -ops.log(ops.sqrt(variance) + _SMALLEST_DEVIATION)
    return log_scale, -mean * ops.exp(log_scale)
