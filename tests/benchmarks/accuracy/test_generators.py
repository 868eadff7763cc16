"""Generators are trained once; a training that was stopped goes on."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy import generators
from benchmarks.accuracy.generators import GeneratorRecipe, trained, vae_rate
from keras_vat.generators import VAE

RECIPE = GeneratorRecipe(
    "vae-digits",
    "digits",
    lambda shape: VAE(shape, latent_dim=2, widths=(4,), seed=0),
    batch_size=500,
    updates=4,
    rate=lambda epoch: 0.01,
)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(generators.report, "RESULTS", tmp_path)
    trained.cache_clear()
    yield tmp_path / "generators"
    trained.cache_clear()


def test_a_generator_is_trained_once_and_frozen(folder, monkeypatch):
    first = trained(RECIPE)
    assert first.frozen
    assert [path.name for path in folder.iterdir()] == ["vae-digits.keras"]
    trained.cache_clear()
    monkeypatch.setattr(generators, "train", None)
    again = trained(RECIPE)
    assert again is not first
    for ours, theirs in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_stopped_training_goes_on(folder):
    epochs = []

    def rate(epoch, stop=None):
        if epoch == stop:
            raise KeyboardInterrupt
        epochs.append(epoch)
        return 0.01

    with pytest.raises(KeyboardInterrupt):
        trained(replace(RECIPE, rate=lambda epoch: rate(epoch, stop=1)))
    assert not (folder / "vae-digits.keras").exists()
    epochs.clear()
    assert trained(replace(RECIPE, rate=rate)).frozen
    assert epochs == [0, 1]  # once for the optimizer, then the second epoch alone


def test_the_vaes_rate_falls_after_80_epochs():
    assert [vae_rate(epoch) for epoch in (0, 80, 81, 82)] == pytest.approx(
        [1e-3, 1e-3, 1e-3, 0.97e-3]
    )
