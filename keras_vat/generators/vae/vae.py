"""The variational auto-encoder."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vat import arguments
from keras_vat.autodiff.replica_seed_generator import ReplicaSeedGenerator
from keras_vat.divergences import Bernoulli, Gaussian
from keras_vat.generators.generator import Generator
from keras_vat.generators.vae.decoder import decoder
from keras_vat.generators.vae.encoder import encoder
from keras_vat.generators.vae.normal_posterior import draw, kl_to_standard_normal

# How pixels scatter around the sigmoid of the decoder's logits: the mean of -log p of a pixel.
_LIKELIHOODS = {
    "bernoulli": lambda x, logits: Bernoulli().negative_log_likelihood(x, logits),
    "gaussian": lambda x, logits: Gaussian().negative_log_likelihood(x, ops.sigmoid(logits)),
}


@keras.saving.register_keras_serializable(package="keras_vat")
class VAE(Generator):
    """A variational auto-encoder with the paper's DCGAN-like networks.

    The latent space is small and smooth, and reconstructions are blurred: right for digits, too
    lossy for natural images (there, take a `Glow`). `encode` gives the posterior mean, `decode`
    the pixels' means, both in inference mode.

    `fit` logs `loss` and the two terms of the ELBO: `reconstruction_loss` and `prior_loss`, the KL
    without its factor. In evaluation z is drawn, too, with the same noise each time, so that
    `val_` numbers are those of the ELBO and epochs compare.

    Formula, per example, summed over pixels and latent entries:

        loss = -log p(x | z) + prior_weight * KL(q(z | x) || N(0, I)),   z ~ q(z | x)
        q(z | x) = N(mean(x), diag(exp(log_variance(x))))
        encode(x) = mean(x),   decode(z) = sigmoid(logits(z))

    Args:
        input_shape: `(height, width, channels)`. Sizes that are no multiple of `2 ** len(widths)`
            are padded with zeros inside the encoder, evenly on both sides (28 to 32), and
            cropped again in the decoder; the loss sees the images alone.
        latent_dim: Size of z. Defaults to `128`.
        widths: Numbers of filters of the encoder's convolutions; the decoder has them backwards.
            Defaults to `(128, 256, 512)`; `(16, 32, 64)` trains on a CPU.
        likelihood: `"bernoulli"` (default): the cross-entropy of pixels as probabilities, as in
            the published code; its gradient does not fade where pixels are near black or white,
            but it is no density of grey values. `"gaussian"`: unit variance around the mean;
            `prior_weight` is then the variance that pixels have in effect.
        prior_weight: Factor of the KL, at least 0. Defaults to `0.1`, which keeps training
            stable. It is kept as a variable: assign it, or use `callbacks.PriorWarmup`.
        seed: Integer, or `None`: drawn from Keras's global seed. Of the noise in z.
        **kwargs: `name` and `dtype` of the model.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of range; see `Generator` for images.

    Example:

    >>> vae = keras_vat.generators.VAE((28, 28, 1), latent_dim=32, widths=(16, 32, 64))
    >>> vae.compile("adam")
    >>> vae.fit(x_train, epochs=10, batch_size=256, validation_data=(x_test, None))
    >>> vae.freeze().decode(vae.encode(x_test))

    Reference:
        Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
        (arXiv:2011.13181), eq. 11 and 12, section 6.2.1 and table 2.
    """

    term_names = ("reconstruction_loss", "prior_loss")

    def __init__(
        self,
        input_shape: tuple[int, ...],
        latent_dim: int = 128,
        widths: tuple[int, ...] = (128, 256, 512),
        likelihood: str = "bernoulli",
        prior_weight: float = 0.1,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(input_shape, **kwargs)
        self._config = {
            "latent_dim": arguments.whole_number("latent_dim", latent_dim, 1),
            "widths": _checked_widths(widths),
            "likelihood": arguments.one_of("likelihood", likelihood, tuple(_LIKELIHOODS)),
            "prior_weight": arguments.non_negative("prior_weight", prior_weight),
            "seed": arguments.seed(seed),
        }
        padding = _padding(self.image_shape, 2 ** len(widths))
        sizes = (self.image_shape, padding, latent_dim, self._config["widths"])
        # Under mixed precision, what likelihoods are computed from stays in float32.
        self.encoder = encoder(*sizes, self.dtype_policy, self.images_dtype)
        self.decoder = decoder(*sizes, self.dtype_policy, self.images_dtype)
        self._prior_weight = self.add_weight(
            name="prior_weight",
            shape=(),
            initializer=keras.initializers.Constant(prior_weight),
            trainable=False,
            dtype=self.images_dtype,
        )
        self._noise_seed = ReplicaSeedGenerator(self._config["seed"])

    @property
    def latent_shapes(self):
        return [(self._config["latent_dim"],)]

    @property
    def trained(self):
        """Whether there is a bias that isn't zero, as all of them start."""
        biases = [weight for weight in self.weights if weight.name in ("bias", "beta")]
        return any(np.any(ops.convert_to_numpy(bias)) for bias in biases)

    @property
    def prior_weight(self):
        """Factor of the KL, a variable: assign it, or set it to a number, and `fit` follows."""
        return self._prior_weight

    @prior_weight.setter
    def prior_weight(self, value):
        self._prior_weight.assign(arguments.non_negative("prior_weight", value))

    def encode(self, x: Any) -> Any:
        """The posterior mean, `(batch, latent_dim)`."""
        return self.encoder(self.check_images(x), training=False)[0]

    def decode(self, z: Any) -> Any:
        """The pixels' means, `(batch, height, width, channels)`, in (0, 1)."""
        (z,) = self.check_latents(z)
        return ops.sigmoid(self.decoder(z, training=False))

    def sample(self, n: int, seed: int | None = None) -> Any:
        """Draws images: z from N(0, I), decoded.

        Args:
            n: Number of images.
            seed: Integer, or `None`: drawn from Keras's global seed.

        Returns:
            Tensor `(n, height, width, channels)`.
        """
        shape = (arguments.whole_number("n", n, 1), *self.latent_shapes[0])
        seed = arguments.seed(seed)
        return self.decode(keras.random.normal(shape, dtype=self.images_dtype, seed=seed))

    def loss_terms(self, x, training):
        mean, log_variance = self.encoder(x, training=training)
        seed = self._noise_seed if training else 0
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=seed)
        logits = self.decoder(draw(mean, log_variance, noise), training=training)
        number_of_pixels = math.prod(self.image_shape)
        reconstruction = number_of_pixels * _LIKELIHOODS[self._config["likelihood"]](x, logits)
        prior = kl_to_standard_normal(mean, log_variance)
        return {
            "loss": reconstruction + self._prior_weight * prior,
            "reconstruction_loss": reconstruction,
            "prior_loss": prior,
        }

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["prior_weight"] = np.asarray(self._prior_weight.value)

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self._prior_weight.assign(store["prior_weight"])

    def get_config(self):
        return {**super().get_config(), **self._config}


def _checked_widths(widths):
    if not isinstance(widths, (tuple, list)) or not widths:
        raise ValueError(
            "`widths` must be a tuple of numbers of filters, one for each convolution. "
            f"Received: widths={widths!r}"
        )
    return tuple(arguments.whole_number("widths", width, 1) for width in widths)


def _padding(image_shape, multiple):
    """Zeros before and after, so that the height and the width become multiples."""
    missing = [-size % multiple for size in image_shape[:2]]
    return tuple((count // 2, count - count // 2) for count in missing)
