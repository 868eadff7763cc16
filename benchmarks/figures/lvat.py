"""The figures of the LVAT paper: each function trains, draws one and returns its numbers."""

import functools

import keras
import numpy as np

import keras_vat
from benchmarks.figures.drawing import panels
from benchmarks.figures.training import load, supervised
from keras_vat import evaluation, perturbations, plotting


def latent_statistics(setup):
    """LVAT's figures 5 and 6: how adverse perturbations are, and how far they move images."""
    _, (x_test, _) = load(setup)
    vae = _generator(setup, "VAE")
    found = evaluation.perturbation_statistics(
        supervised(setup, "supervised")[0],
        x_test,
        {
            f"VAT, ε = {setup.epsilon:g}": perturbations.VirtualAdversarialPerturbation(
                setup.epsilon, seed=0
            ),
            "LVAT-VAE, ε = 1": perturbations.LatentVirtualAdversarialPerturbation(vae, 1.0, seed=0),
        },
    )
    figure, (left, right) = panels(2)
    plotting.plot_perturbation_statistics(found, "consistency_cost", log_scale=True, ax=left)
    plotting.plot_perturbation_statistics(found, "distance", ax=right)
    return figure, {
        name: {quantity: np.percentile(values, [5, 50, 95]).tolist() for quantity, values in pairs}
        for name, pairs in ((name, one._asdict().items()) for name, one in found.items())
    }


def reconstruction_error(setup):
    """LVAT's figure 8: how far images are from their reconstructions, by a VAE and by a Glow."""
    figure, ax = panels(1, width=5.5)
    _, (x, _) = load(setup)
    errors = {
        name: evaluation.reconstruction_error(_generator(setup, name), x)
        for name in ("VAE", "Glow")
    }
    plotting.plot_reconstruction_error(errors, log_scale=True, ax=ax)
    return figure, {name: np.percentile(one, [5, 50, 95]).tolist() for name, one in errors.items()}


@functools.cache
def _generator(setup, name):
    """A small generator, trained on the images."""
    x = load(setup)[0][0]
    keras.utils.set_random_seed(0)
    if name == "VAE":
        generator = keras_vat.generators.VAE(x.shape[1:], latent_dim=16, widths=(32, 64))
    else:
        generator = keras_vat.generators.Glow(x.shape[1:], num_levels=2, num_steps=4, width=32)
    generator.compile(keras.optimizers.Adam(2e-3))
    generator.fit(x, batch_size=100, epochs=setup.epochs, verbose=0)
    return generator
