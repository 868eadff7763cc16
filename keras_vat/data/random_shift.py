"""Random shifts by whole pixels, drawn anew for each image."""

import keras
from keras import ops

from keras_vat import arguments


@keras.saving.register_keras_serializable(package="keras_vat")
class RandomShift(keras.layers.Layer):
    """Pads images with zeros, crops them at random, and mirrors half of them if asked to.

    Every image gets its own shift of -max_shift to max_shift whole pixels in each direction;
    pixel values are copied, never blended. With `training=False` images pass unchanged.

    Args:
        max_shift: Largest shift in pixels, at least 0. Defaults to `2`.
        horizontal_flip: Whether to mirror an image left to right with probability 1/2. Defaults
            to `False`.
        seed: Integer, or `None` (default): drawn from Keras's global seed.
        **kwargs: `name` and `dtype` of the layer.

    Input and output: images `(batch, height, width, channels)`.

    Raises:
        TypeError, ValueError: If an argument is of the wrong kind, or `max_shift` below 0.

    Example:

    ```python
    import numpy as np
    from keras_vat.data.random_shift import RandomShift

    shifted = RandomShift(max_shift=2, seed=0)(np.ones((8, 28, 28, 1)), training=True)
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), appendix D.
    """

    def __init__(self, max_shift=2, horizontal_flip=False, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.max_shift = arguments.whole_number("max_shift", max_shift, 0)
        self.horizontal_flip = arguments.boolean("horizontal_flip", horizontal_flip)
        self.seed = arguments.seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, images, training=False):
        if not training:
            return images
        batch, height, width, channels = ops.shape(images)
        pad = self.max_shift
        padded = ops.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        rows = ops.arange(height)[None, :, None] + self._draw(batch, 2 * pad + 1)
        columns = ops.arange(width)[None, None, :]
        if self.horizontal_flip:
            columns = ops.where(self._draw(batch, 2) == 1, width - 1 - columns, columns)
        columns = columns + self._draw(batch, 2 * pad + 1)
        # One gather of pixels from all padded images laid end to end.
        images = ops.arange(batch)[:, None, None]
        pixels = (images * (height + 2 * pad) + rows) * (width + 2 * pad) + columns
        return ops.take(ops.reshape(padded, (-1, channels)), pixels, axis=0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "max_shift": self.max_shift,
            "horizontal_flip": self.horizontal_flip,
            "seed": self.seed,
        }

    def _draw(self, batch, choices):
        shape = (batch, 1, 1)
        return keras.random.randint(shape, 0, choices, dtype="int32", seed=self.seed_generator)
