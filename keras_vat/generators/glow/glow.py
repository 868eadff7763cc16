"""The Glow normalizing flow."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_vat import arguments, autodiff
from keras_vat.autodiff.replica_seed_generator import ReplicaSeedGenerator
from keras_vat.forward.compiled_run import CompiledRun
from keras_vat.generators.generator import Generator
from keras_vat.generators.glow.affine_coupling import SCALES
from keras_vat.generators.glow.image_padding import ImagePadding
from keras_vat.generators.glow.multiscale_flow import MultiscaleFlow

_GREY_LEVELS = 256
_MIDDLE = 0.5  # the flow sees pixels in [-0.5, 0.5]


@keras.saving.register_keras_serializable(package="keras_vat")
class Glow(Generator):
    """An invertible generator: nothing is lost, `decode(encode(x))` is x, and p(x) is known.

    Each level squeezes 2x2 pixels into channels and applies `num_steps` steps of actnorm,
    invertible 1x1 convolution and affine coupling; half of the channels then leave the flow as
    a part of z, at the last level all. `z` is a list of `num_levels` tensors, the finest first.

    `decode` clips nothing, so it is the exact inverse with gradients everywhere; images decoded
    from other z than those of images may leave [0, 1].

    The first `fit` or `train_on_batch` sets the actnorms from a batch of its data; call
    `initialize(images)` yourself where `fit` gets a generator. Under `tf.distribute` the
    statistics are those of the global batch. `fit` minimises and logs the bits per dimension,
    with fresh dequantisation noise in training and the same noise each time in evaluation. Where
    Keras uses XLA of its own accord, so not on TensorFlow without a GPU, a deep flow's first
    training step takes minutes to compile; `compile(jit_compile=False)` does without on
    TensorFlow.

    Formula:

        log p(x) = log N(encode(x); 0, I) + log|det d encode(x) / dx|
        bits per dimension = -log p(x + u) / (D log 2) + 8,   u ~ U(-1/512, 1/512)

    for the D numbers of an image. The bits bound from above the mean length of a code for images
    of 256 grey levels; they are the literature's up to log2(256/255) = 0.006, since grey levels
    k/255 lie 1/255 apart.

    Args:
        input_shape: `(height, width, channels)`. Images whose sizes aren't multiples of
            `2 ** num_levels` get a black border inside (28x28 becomes 32x32 at 3 levels), which
            is cut off after decoding. Latents are those of the larger image. The border is
            dequantised like the rest, so its own density is known, 256 per number, and its
            logarithm is subtracted from that of image and border: the bits stay an upper bound.
            `log_prob` without noise is then taken at a border exactly black and integrates to 1
            only as far as the flow has learnt what the border is.
        num_levels: Number of levels, the paper's L. Defaults to `3`.
        num_steps: Steps in each level, the paper's K. Defaults to `22`.
        width: Hidden channels of the coupling networks. Defaults to `128`.
        scale: Scale of the couplings from what their networks return. `"sigmoid"` (default):
            `0.1 + 0.9 sigmoid(h + 2)`, at most 1, which keeps long trainings finite, and at least
            0.1, which keeps images finite that are decoded from far away; `"exponential"`: the
            paper's, `exp(clip(h, -15, 15))`.
        seed: Integer, or `None`: drawn from Keras's global seed. For first weights, noise and
            samples.
        **kwargs: `name` and `dtype` of the model. Under mixed precision only the coupling
            networks compute in half precision; images, latents and densities stay `float32`.
            Rounding then makes the inverse less exact.

    Raises:
        TypeError, ValueError: If an argument is of the wrong type or out of range, or
            `num_levels` is so large that a level would see nothing but border.

    Example:

    >>> glow = keras_vat.generators.Glow((28, 28, 1), num_steps=8, width=64)
    >>> glow.compile(keras.optimizers.Adam(1e-4))
    >>> glow.fit(images, epochs=10, batch_size=64)
    >>> glow.freeze()
    >>> glow.decode(glow.encode(images[:8]))  # images[:8]

    Reference:
        Kingma and Dhariwal, "Glow" (arXiv:1807.03039). Osada et al., "Regularization with Latent
        Space Virtual Adversarial Training" (arXiv:2011.13181), eq. 13 and 14, sections 3.2 and 6.2.
    """

    term_names = ("bits_per_dimension",)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_levels: int = 3,
        num_steps: int = 22,
        width: int = 128,
        scale: str = "sigmoid",
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(input_shape, **kwargs)
        self._config = {
            "num_levels": arguments.whole_number("num_levels", num_levels, 1),
            "num_steps": arguments.whole_number("num_steps", num_steps, 1),
            "width": arguments.whole_number("width", width, 1),
            "scale": arguments.one_of("scale", scale, tuple(SCALES)),
            "seed": arguments.seed(seed),
        }
        if 2 ** (num_levels - 1) >= max(self.image_shape[:2]):
            raise ValueError(
                "`num_levels` must leave the last level more than one pixel to squeeze. "
                f"Received: num_levels={num_levels}, input_shape={self.image_shape}"
            )
        self._border = ImagePadding(self.image_shape, 2**num_levels)
        self.seed_generator = ReplicaSeedGenerator(self._config["seed"])
        first_seed = int(ops.convert_to_numpy(self.seed_generator.state)[0])
        rng = np.random.default_rng(first_seed)
        self.flow = MultiscaleFlow(
            self._border.padded_shape,
            num_levels,
            num_steps,
            width,
            scale,
            rng,
            self.images_dtype,
            dtype=self.dtype_policy,
        )

    @property
    def latent_shapes(self):
        return self.flow.latent_shapes

    def encode(self, x: Any) -> Any:
        """z: a list of tensors `(batch, height, width, channels)`, one for each level."""
        return self._run(Glow._encoded, self._to_flow(self.check_images(x)))

    def decode(self, z: Any) -> Any:
        """Images `(batch, height, width, channels)`."""
        return self._run(Glow._decoded, self.check_latents(z))

    def log_prob(self, x: Any, dequantize: bool = False) -> Any:
        """The logarithm of the density at images, in nats.

        The density is one of real numbers: it has its unit of volume in [0, 1]^D, integrates to 1
        over all of R^D, and can be above 1.

        Args:
            x: Images `(batch, height, width, channels)` in [0, 1].
            dequantize: Whether to add uniform noise, a grey level wide, beforehand.

        Returns:
            Tensor `(batch,)`.
        """
        seed = self.seed_generator if dequantize else None
        return self._run(Glow._log_density, self._to_flow(self.check_images(x), seed))

    def bits_per_dimension(self, x: Any, dequantize: bool = True) -> Any:
        """`-log_prob(x) / (D log 2) + 8`, of images of 256 grey levels.

        Args:
            x: Images `(batch, height, width, channels)` in [0, 1].
            dequantize: Whether to add uniform noise, a grey level wide, beforehand. Without it
                the result is no bound on the length of a code.

        Returns:
            Tensor `(batch,)`.
        """
        return self._bits(self.log_prob(x, dequantize))

    def sample(self, n: int, seed: int | None = None, temperature: float = 1.0) -> Any:
        """Draws images: z from `N(0, temperature^2 I)`, decoded.

        Args:
            n: Number of images.
            seed: Integer, for the same images each time; `None`: the model's own seed goes on.
            temperature: Number of at least 0. Below 1 images are more alike and cleaner.

        Returns:
            Tensor `(n, height, width, channels)`, not clipped to [0, 1].
        """
        n = arguments.whole_number("n", n, 1)
        temperature = arguments.non_negative("temperature", temperature)
        seed = self.seed_generator if seed is None else arguments.seed(seed)
        sizes = [math.prod(shape) for shape in self.latent_shapes]
        noise = keras.random.normal((n, sum(sizes)), dtype=self.images_dtype, seed=seed)
        ends = np.cumsum(sizes)
        return self.decode(
            [
                ops.reshape(temperature * noise[:, end - size : end], (n, *shape))
                for size, end, shape in zip(sizes, ends, self.latent_shapes, strict=True)
            ]
        )

    def initialize(self, images):
        """Sets the actnorms from images, so that each step's input is normalised on them.

        Args:
            images: Images `(batch, height, width, channels)` in [0, 1], a batch or more. Several
                workers must be given the same.
        """
        x = self.check_images(images, "images")
        self.flow.initialize(self._to_flow(x, self.seed_generator))

    @property
    def initialized(self):
        """Whether the actnorms were set from data."""
        return self.flow.initialized

    @property
    def trained(self):
        """Whether the actnorms were set, as a training begins with."""
        return self.initialized

    def begin_training(self, images):
        super().begin_training(images)
        if not self.initialized:
            if images is None:
                raise ValueError(
                    "`x` must be an array or a tf.data.Dataset, for a look at the first images. "
                    "Otherwise call `initialize(images)` before. Received: a flow whose actnorms "
                    "are not initialized, and x of another type"
                )
            self.initialize(images)

    def loss_terms(self, x, training):
        # Evaluation draws the same noise each time, so that epochs compare.
        x = self._to_flow(x, self.seed_generator if training else 0)
        bits = self._bits(self._log_density(x, unroll=training))
        return {"loss": bits, "bits_per_dimension": bits}

    def freeze(self):
        """Fixes the weights for good, in place, and folds the linear maps of each step.

        Encoding and decoding then compute no matrix any more; they give what they gave before.

        Returns:
            The generator itself.
        """
        if not self.frozen:
            self.flow.freeze()
        return super().freeze()

    def get_config(self):
        return {**super().get_config(), **self._config}

    def _to_flow(self, x, seed=None):
        """Images with border, centred, dequantised if there is a seed for it."""
        x = self._border.add(x) - _MIDDLE
        if seed is None:
            return x
        half = 0.5 / _GREY_LEVELS
        return x + keras.random.uniform(ops.shape(x), -half, half, dtype=x.dtype, seed=seed)

    def _run(self, function, x):
        """`function(self, x)`, compiled where each of its many operations would be by itself."""
        if not autodiff.OPERATIONS_COMPILE_APART or any(map(autodiff.is_symbolic, tree.flatten(x))):
            return function(self, x)
        return CompiledRun(function, self)(x)

    def _encoded(self, x):
        return self.flow.forward(x)[0]

    def _decoded(self, z):
        return self._border.remove(self.flow.inverse(z)) + _MIDDLE

    def _log_density(self, x, unroll=False):
        z, log_density = self.flow.forward(x, unroll)
        for part in z:
            energy = ops.square(part) + math.log(2.0 * math.pi)
            log_density = log_density - 0.5 * ops.sum(energy, axis=(1, 2, 3))
        return log_density - self._border.size * math.log(_GREY_LEVELS)

    def _bits(self, log_prob):
        numbers = math.prod(self.image_shape)
        return math.log2(_GREY_LEVELS) - log_prob / (numbers * math.log(2.0))
