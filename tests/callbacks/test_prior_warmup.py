import keras
import numpy as np
import pytest

from keras_vat.callbacks import PriorWarmup
from keras_vat.generators import VAE

X = np.random.default_rng(0).uniform(size=(8, 4, 4, 1)).astype("float32")


def fit(*callbacks, **arguments):
    vae = VAE((4, 4, 1), latent_dim=2, widths=(3,), name="vae")
    vae.compile("sgd", run_eagerly=True)
    return vae.fit(X, callbacks=list(callbacks), verbose=0, **arguments).history


def test_moves_the_prior_weight_epoch_by_epoch_and_logs_it():
    history = fit(PriorWarmup(epochs=2), epochs=4)
    np.testing.assert_allclose(history["vae_prior_weight"], [0.0, 0.05, 0.1, 0.1], rtol=1e-6)
    reconstruction, prior = (np.array(history[f"{k}_loss"]) for k in ("reconstruction", "prior"))
    expected = reconstruction + history["vae_prior_weight"] * prior
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


def test_takes_shapes_and_steps():
    history = fit(PriorWarmup(0.2, 1.0, shape="cosine", steps=8), epochs=2, batch_size=2)
    # Set before the 4th and the 8th update, whose counts are 3 and 7.
    expected = 0.2 + 0.8 * (1 - np.cos(np.pi * np.array([3, 7]) / 8)) / 2
    np.testing.assert_allclose(history["vae_prior_weight"], expected, rtol=1e-5)


def test_refuses_a_model_without_a_prior_weight():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="`PriorWarmup` needs a model with a `prior_weight`"):
        model.fit(np.ones((2, 2)), np.ones(2), verbose=0, callbacks=[PriorWarmup()])
