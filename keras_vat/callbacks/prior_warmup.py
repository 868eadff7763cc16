from typing import Any

import keras

from keras_vat.callbacks.warmup import DEFAULT_EPOCHS, Warmup


class PriorWarmup(Warmup):
    """Moves the `prior_weight` of a `VAE` while `fit` runs.

    Started at 0, the VAE learns to reconstruct before the prior pulls at its latent space; this
    keeps latent entries in use that a strong prior would switch off at once. The value is logged
    as `<name of the model>_prior_weight`.

    Formula:

        value = start + (end - start) * shape(min(epoch / epochs, 1))

    Args:
        start: Value at the first epoch, at least 0. Defaults to `0.0`.
        end: Value from epoch `epochs` on, at least 0. Defaults to `0.1`.
        epochs: Epochs from `start` to `end`. Defaults to `10`.
        shape: `"linear"` (default), `"sigmoid"`, `"cosine"`, or a
            `keras.optimizers.schedules.LearningRateSchedule` that gives the value itself.
        steps: Updates of the optimizer from `start` to `end`, in place of `epochs`. Defaults to
            `None`.

    Raises:
        ValueError: See `Warmup`, which says how the shapes run and when the number moves; or if
            the model has no `prior_weight`.

    Example:

    ```python
    x = np.random.uniform(size=(32, 8, 8, 1)).astype("float32")
    vae = keras_vat.generators.VAE((8, 8, 1), latent_dim=4, widths=(8, 8))
    vae.compile("adam")
    history = vae.fit(x, epochs=3, callbacks=[keras_vat.callbacks.PriorWarmup(epochs=2)])
    history.history["vae_prior_weight"]  # [0.0, 0.05, 0.1]
    ```

    Reference: Sønderby et al., "Ladder Variational Autoencoders" (arXiv:1602.02282), section 2.3.
    """

    attribute = "prior_weight"

    def __init__(
        self,
        start: float = 0.0,
        end: float = 0.1,
        epochs: int = DEFAULT_EPOCHS,
        shape: Any = "linear",
        steps: int | None = None,
    ):
        super().__init__(start, end, epochs, shape=shape, steps=steps)

    def _find(self):
        """Returns the model itself."""
        if not isinstance(getattr(self.model, self.attribute, None), keras.Variable):
            raise ValueError(
                "`PriorWarmup` needs a model with a `prior_weight`, such as a "
                f"`keras_vat.generators.VAE`. Received: model={self.model}"
            )
        return self.model
