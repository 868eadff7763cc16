import matplotlib
import numpy as np
import pytest

from keras_vat.callbacks import GeneratorPictures
from keras_vat.generators import VAE

matplotlib.use("Agg")

X = np.random.default_rng(0).uniform(size=(12, 4, 4, 1)).astype("float32")


def fit(callback, epochs, learning_rate=0.0):
    vae = VAE((4, 4, 1), latent_dim=2, widths=(3,))
    vae.compile("sgd", run_eagerly=True)
    vae.optimizer.learning_rate = learning_rate
    vae.fit(X, epochs=epochs, callbacks=[callback], verbose=0)
    return vae


def test_writes_one_picture_for_each_epoch_into_new_folders(tmp_path):
    fit(GeneratorPictures(X, tmp_path / "a" / "b" / "{epoch:03d}.png"), epochs=2)
    names = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert names == ["001.png", "002.png"]


def test_every_few_epochs(tmp_path):
    fit(GeneratorPictures(X, f"{tmp_path}/{{epoch}}.png", every=2), epochs=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.png", "4.png"]


def test_one_file_is_written_again(tmp_path):
    import matplotlib.pyplot as plt

    path, open_before = tmp_path / "now.png", plt.get_fignums()
    fit(GeneratorPictures(X, path), epochs=2)
    assert [file.name for file in tmp_path.iterdir()] == ["now.png"]
    assert plt.imread(path).shape[0] > 100
    assert plt.get_fignums() == open_before  # figures don't pile up


def test_shows_the_reconstructions_and_samples_of_the_moment(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "keras_vat.callbacks.generator_pictures.plot_reconstructions",
        lambda *rows: drawn.append([np.asarray(row) for row in rows]) or figure(),
    )
    vae = fit(GeneratorPictures(X, tmp_path / "now.png", seed=3), epochs=2, learning_rate=0.1)
    (x, reconstructions, samples), before = drawn[-1], drawn[0]
    np.testing.assert_array_equal(x, X[:10])
    np.testing.assert_allclose(reconstructions, vae(X[:10]), rtol=1e-6)
    np.testing.assert_allclose(samples, vae.sample(10, seed=3), rtol=1e-6)
    assert np.abs(samples - before[2]).max() > 0


def figure():
    import matplotlib.pyplot as plt

    return plt.subplots()[1]


def test_refuses_wrong_arguments_and_other_models(tmp_path, make_model, x):
    with pytest.raises(ValueError, match="`every` must be at least 1. Received: every=0"):
        GeneratorPictures(X, tmp_path / "now.png", every=0)
    with pytest.raises(TypeError, match="`model` must have the methods `encode"):
        make_model([]).fit(x, verbose=0, callbacks=[GeneratorPictures(X, tmp_path / "now.png")])
