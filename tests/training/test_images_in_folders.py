"""Images of 0 to 255, as files have them: `Rescaling` is in the model, and r behind it."""

import keras
import numpy as np
import pytest
from golden.norms import norms
from keras import layers, ops

from keras_vat import VATModel, perturbations, regularizers


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four images of each of two classes."""
    pytest.importorskip("PIL", reason="Pillow is not installed")
    folder, pixels = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for number in range(8):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        keras.utils.save_img(path, pixels.integers(0, 256, (6, 6, 3)), scale=False)
    return folder


def make(dtype):
    keras.utils.set_random_seed(0)
    behind = [layers.Conv2D(3, 3, activation="tanh"), layers.Flatten(), layers.Dense(2)]
    rescaling = layers.Rescaling(1 / 255, name="rescaling")
    classifier = keras.Sequential([keras.Input((6, 6, 3), dtype=dtype), rescaling, *behind])
    return classifier, keras.Sequential([keras.Input((6, 6, 3)), *behind])


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_images_from_a_directory(folder, dtype):
    """Epsilon is in the units behind `Rescaling`, and nothing warns of images of 0 to 255."""
    pytest.importorskip("tensorflow", reason="TensorFlow, which reads the folder, is not installed")
    images = keras.utils.image_dataset_from_directory(
        folder, image_size=(6, 6), batch_size=4, seed=0, verbose=False
    )
    classifier, behind = make(dtype)
    settings = {"epsilon": 0.5, "perturb_at": "rescaling", "seed": 1}
    x, y = next(iter(images.as_numpy_iterator()))
    assert x.max() > 200
    x = x.astype(dtype)
    perturbation = perturbations.VirtualAdversarialPerturbation(**settings)
    r = ops.convert_to_numpy(perturbation(classifier, x))
    np.testing.assert_allclose(norms(r), 0.5, rtol=1e-5)
    cut = perturbations.VirtualAdversarialPerturbation(0.5, seed=1)
    np.testing.assert_allclose(r, cut(behind, x.astype("float32") / 255), rtol=1e-3, atol=1e-5)

    model = VATModel(classifier, regularizers.VirtualAdversarialTraining(**settings))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=False)
    history = model.fit(images, validation_data=images, verbose=0).history
    assert np.isfinite(history["loss"]).all() and history["vat"][0] > 0
    np.testing.assert_allclose(model.predict(x, verbose=0), classifier(x), rtol=1e-4, atol=1e-5)
