"""The levels one after the other."""

import keras

from keras_vat.generators.glow.factor_out import factor_out, take_back
from keras_vat.generators.glow.flow_level import FlowLevel
from keras_vat.generators.glow.squeeze import squeeze, unsqueeze


class MultiscaleFlow(keras.layers.Layer):
    """The invertible map between images and the list of latent parts.

    Args:
        image_shape: `(height, width, channels)`; `2 ** num_levels` divides height and width.
        num_levels: Number of levels.
        num_steps: Steps in each level.
        width: Hidden channels of the coupling networks.
        scale: `"sigmoid"` or `"exponential"`.
        rng: NumPy generator that the weights are drawn from.
        flow_dtype: Dtype of everything but the coupling networks.
        **kwargs: `name` and `dtype` of the layer; `dtype` is that of the coupling networks.

    Reference:
        Kingma and Dhariwal, "Glow" (arXiv:1807.03039), section 3 and figure 2b.
    """

    def __init__(self, image_shape, num_levels, num_steps, width, scale, rng, flow_dtype, **kwargs):
        super().__init__(autocast=False, **kwargs)
        height, columns, channels = image_shape
        self.levels, self.latent_shapes = [], []
        for index in range(1, num_levels + 1):
            size = (height // 2**index, columns // 2**index)
            inside = channels * 2 ** (index + 1)
            self.levels.append(
                FlowLevel(num_steps, inside, width, scale, rng, flow_dtype, dtype=self.dtype_policy)
            )
            self.latent_shapes.append((*size, inside if index == num_levels else inside // 2))
        self.built = True

    @property
    def initialized(self):
        """Whether the actnorms were set from data."""
        return all(level.actnorm.initialized for level in self.levels)

    def forward(self, x, unroll=False):
        """z, a list of tensors, the finest first, and log|det dz/dx|, `(batch,)`.

        With `unroll`, each step is traced, for training (see `run_steps`).
        """
        parts, log_det = [], 0.0
        for level in self.levels:
            x, more = level.forward(squeeze(x), unroll)
            log_det = log_det + more
            if level is not self.levels[-1]:
                x, latent = factor_out(x)
                parts.append(latent)
        return [*parts, x], log_det

    def inverse(self, z):
        """x from the list of latent parts."""
        *parts, x = z
        for level in reversed(self.levels):
            x = unsqueeze(level.inverse(x))
            if parts:
                x = take_back(x, parts.pop())
        return x

    def initialize(self, x):
        """Sets the actnorms of all levels from x."""
        for level in self.levels:
            x, _ = factor_out(level.initialize(squeeze(x)))

    def freeze(self):
        """Folds the linear maps of all levels."""
        for level in self.levels:
            level.freeze()
