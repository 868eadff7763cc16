"""Any bijector of TensorFlow Probability as a generator."""

import math
from typing import Any

import keras
from keras import ops, tree

from keras_vat import arguments
from keras_vat.generators.check_generator import missing_methods


class BijectorGenerator:
    """A bijector, such as `tfp.bijectors.Glow`, as a generator.

    By the convention of TensorFlow Probability, `forward` takes the base distribution to the data:
    so it decodes, and `inverse` encodes. A bijector made the other way round goes in as
    `tfp.bijectors.Invert(bijector)`. Its variables stay its own: no model that uses the generator
    trains or saves them. Train it beforehand (see the example), or run it once: bijectors that
    initialise themselves with the first batch, as actnorm does, do so then.

    Formula:

        encode(x) = inverse(x),   decode(z) = forward(z)
        log_prob(x) = log N(inverse(x) | 0, I) + log |det d inverse(x) / dx|

    Args:
        bijector: Any object with `forward` and `inverse`. For `log_prob` it also needs
            `inverse_log_det_jacobian(x, event_ndims)`, for `latent_shapes` and `sample`
            `inverse_event_shape(input_shape)`; all bijectors of TensorFlow Probability have both.
        input_shape: `(height, width, channels)` of the images. Only `latent_shapes` and `sample`
            need it. Defaults to `None`.

    Raises:
        TypeError: If the bijector has no `forward` or no `inverse`, or `input_shape` is no tuple;
            in `log_prob`, `latent_shapes` and `sample`, if it lacks what they need.
        ValueError: In `sample`, if `input_shape` was not given.

    Example:

    >>> glow = tfp.bijectors.Glow(
    ...     output_shape=(32, 32, 3),
    ...     coupling_bijector_fn=tfp.bijectors.GlowDefaultNetwork,
    ...     exit_bijector_fn=tfp.bijectors.GlowDefaultExitNetwork)
    >>> generator = keras_vat.generators.BijectorGenerator(glow, (32, 32, 3))
    >>> with tf.GradientTape() as tape:  # one step of its training
    ...     loss = -tf.reduce_mean(generator.log_prob(images))
    >>> optimizer.apply_gradients(
    ...     zip(tape.gradient(loss, glow.trainable_variables), glow.trainable_variables))

    A bijector of one's own, of `keras.ops`, works on every backend:

    >>> class Halving:
    ...     def forward(self, z):
    ...         return z / 2.0
    ...
    ...     def inverse(self, x):
    ...         return 2.0 * x
    >>> generator = keras_vat.generators.BijectorGenerator(Halving())

    Reference:
        Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
        (arXiv:2011.13181), eq. 14: a flow as the generator.
    """

    def __init__(self, bijector: Any, input_shape: tuple[int, ...] | None = None):
        missing = missing_methods(bijector, "forward", "inverse")
        if missing:
            cure = ""
            if hasattr(bijector, "encode") and hasattr(bijector, "decode"):
                cure = "An object with `encode` and `decode` goes to the regularizer as it is. "
            raise TypeError(
                "`bijector` must have the methods `forward` and `inverse`, as the bijectors of "
                f"TensorFlow Probability have. {cure}Received: bijector={bijector!r} (of type "
                f"{type(bijector).__name__}), without "
                f"{' and '.join(missing)}"
            )
        self.bijector = bijector
        self._image_shape = None
        if input_shape is not None:
            self._image_shape = arguments.shape("input_shape", input_shape)

    @property
    def latent_shapes(self):
        """Shapes of the parts of z, without the batch; `None` if `input_shape` was not given."""
        if self._image_shape is None:
            return None
        shapes = self._method("inverse_event_shape", "`latent_shapes` and `sample`")(
            self._image_shape
        )
        return [tuple(shape) for shape in (shapes if isinstance(shapes, list) else [shapes])]

    def encode(self, x: Any) -> Any:
        """Images to z, by `inverse`."""
        return self.bijector.inverse(_copy(x))

    def decode(self, z: Any) -> Any:
        """z to images, by `forward`."""
        return self.bijector.forward(_copy(z))

    def log_prob(self, x: Any) -> Any:
        """Log density of every image under the prior N(0, I), `(batch,)`, in nats."""
        log_det = self._method("inverse_log_det_jacobian", "`log_prob`")
        x = _copy(x)
        volume = log_det(x, event_ndims=len(x.shape) - 1)
        return volume + sum(map(_standard_normal_log_prob, tree.flatten(self.bijector.inverse(x))))

    def sample(self, n: int, seed: int | None = None) -> Any:
        """Draws images: z from N(0, I), decoded.

        Args:
            n: Number of images.
            seed: Integer, or `None`: drawn from Keras's global seed.
        """
        n = arguments.whole_number("n", n, 1)
        if self._image_shape is None:
            raise ValueError(
                "`input_shape` is needed to draw samples: BijectorGenerator(bijector, "
                "input_shape=(height, width, channels)). Received: input_shape=None"
            )
        seeds = keras.random.SeedGenerator(arguments.seed(seed))
        parts = [keras.random.normal((n, *shape), seed=seeds) for shape in self.latent_shapes]
        return self.decode(parts if len(parts) > 1 else parts[0])

    def _method(self, name, users):
        """A method that not every bijector needs."""
        if not callable(getattr(self.bijector, name, None)):
            raise TypeError(
                f"`bijector` must have the method `{name}` for {users}; `encode` and `decode` work "
                f"without. Received: bijector={self.bijector!r} "
                f"(of type {type(self.bijector).__name__}), without `{name}`"
            )
        return getattr(self.bijector, name)


def _copy(tensors):
    """New tensors of the same values.

    Bijectors remember what they returned for a tensor: `forward(inverse(x))` is x itself, without
    a gradient to z and without the error of computing it.
    """
    return tree.map_structure(ops.copy, tensors)


def _standard_normal_log_prob(z):
    axes = tuple(range(1, len(z.shape)))
    return -0.5 * ops.sum(ops.square(z) + math.log(2.0 * math.pi), axis=axes)
