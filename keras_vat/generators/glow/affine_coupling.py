"""Affine coupling: half of the channels say how the other half is scaled and shifted."""

import keras
import numpy as np
from keras import ops

from keras_vat.generators.glow.map_channels import map_channels

# The scale of a channel, from what the network returns for it. The smaller a scale, the more the
# inverse enlarges, in all steps together: far from the data without end.
_CLIP, SMALLEST_SCALE = 15.0, 0.1
SCALES = {
    "sigmoid": lambda h: SMALLEST_SCALE + (1 - SMALLEST_SCALE) * ops.sigmoid(h + 2.0),
    "exponential": lambda h: ops.exp(ops.clip(h, -_CLIP, _CLIP)),
}


class AffineCoupling(keras.layers.Layer):
    """The coupling networks of all steps of a level.

    Formula, for each step, with x = (a, b) split in the middle of the channels:

        h, t = network(a)
        y    = (a, s (b + t)),   s = 0.1 + 0.9 sigmoid(h + 2) or exp(clip(h, -15, 15))
        x    = (a, y_b / s - t)
        log|det| = sum(log s)

    The network: 3x3 convolution, ReLU, 1x1 convolution, ReLU, 3x3 convolution, zero at first. It
    runs in the layer's compute dtype; everything else in the dtype of x.

    Args:
        num_steps: Number of steps.
        channels: Number of channels, even.
        width: Number of the network's hidden channels.
        scale: `"sigmoid"` or `"exponential"`.
        rng: NumPy generator that the weights are drawn from.
        **kwargs: `name` and `dtype` of the layer.

    Reference:
        Kingma and Dhariwal, "Glow" (arXiv:1807.03039), section 3.3; Osada et al., "Regularization
        with Latent Space Virtual Adversarial Training" (arXiv:2011.13181), section 6.2.1, for the
        clipping; Behrmann et al., "Understanding and Mitigating Exploding Inverses in Invertible
        Neural Networks" (arXiv:2006.09347), for bounds on both sides.
    """

    def __init__(self, num_steps, channels, width, scale, rng, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self._scale = SCALES[scale]
        half = channels // 2
        self.network = [
            weight
            for index, shape in enumerate(
                ((3, 3, half, width), (width, width), (3, 3, width, channels))
            )
            for weight in self._convolution(index, num_steps, shape, None if index == 2 else rng)
        ]
        self.built = True

    def weights_of_steps(self):
        """Kernels and biases in the compute dtype, the steps along their first axis."""
        return [ops.cast(weight, self.compute_dtype) for weight in self.network]

    def forward(self, x, weights):
        """y and log|det|, `(batch,)`, of one step, given its weights."""
        a, b = ops.split(x, 2, axis=-1)
        scale, shift = self._scale_and_shift(a, weights)
        y = ops.concatenate([a, (b + shift) * scale], axis=-1)
        return y, ops.sum(ops.log(scale), axis=(1, 2, 3))

    def inverse(self, y, weights):
        """x of one step, given its weights."""
        a, b = ops.split(y, 2, axis=-1)
        scale, shift = self._scale_and_shift(a, weights)
        return ops.concatenate([a, b / scale - shift], axis=-1)

    def _scale_and_shift(self, a, weights):
        kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = weights
        hidden = ops.relu(_convolve(ops.cast(a, self.compute_dtype), kernel_1, bias_1))
        hidden = ops.relu(map_channels(hidden, kernel_2, bias_2))
        outputs = ops.cast(_convolve(hidden, kernel_3, bias_3), a.dtype)
        h, shift = ops.split(outputs, 2, axis=-1)
        return self._scale(h), shift

    def _convolution(self, index, num_steps, shape, rng):
        """Kernel and bias of one layer of the network; zero without a generator."""
        kernel = np.zeros((num_steps, *shape))
        if rng is not None:
            kernel = rng.normal(scale=np.sqrt(2.0 / np.prod(shape[:-1])), size=kernel.shape)
        return (
            self.add_weight(
                name=f"kernel_{index + 1}",
                shape=kernel.shape,
                initializer=lambda shape, dtype=None: ops.convert_to_tensor(kernel, dtype=dtype),
                autocast=False,
            ),
            self.add_weight(
                name=f"bias_{index + 1}",
                shape=(num_steps, shape[-1]),
                initializer="zeros",
                autocast=False,
            ),
        )


def _convolve(x, kernel, bias):
    return ops.conv(x, kernel, padding="same", data_format="channels_last") + bias
