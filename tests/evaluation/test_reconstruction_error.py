import types

import numpy as np
import pytest

from keras_vat.evaluation import reconstruction_error
from keras_vat.generators import VAE

X = np.random.default_rng(0).uniform(size=(7, 4, 4, 1)).astype("float32")


def test_is_the_distance_of_every_image_from_its_reconstruction():
    """Decoding adds 3 at the first pixel of the n-th image, times n: distances are 0, 3, 6, ..."""
    seen = []

    def decode(z):
        rows = np.zeros(z.shape, "float32")
        rows[:, 0, 0] = 3.0 * (len(seen) + np.arange(len(z)))[:, None]
        seen.extend(z)
        return z + rows

    shifting = types.SimpleNamespace(encode=lambda x: x, decode=decode)
    errors = reconstruction_error(shifting, X, batch_size=3)
    assert isinstance(errors, np.ndarray) and errors.shape == (7,)
    np.testing.assert_allclose(errors, 3.0 * np.arange(7), rtol=1e-6)
    assert len(seen) == 7


def test_of_a_vae_in_batches_and_at_once():
    vae = VAE((4, 4, 1), latent_dim=2, widths=(3,))
    decoded = np.float64(vae.decode(vae.encode(X)))
    expected = np.sqrt(((X - decoded) ** 2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(reconstruction_error(vae, X), expected, rtol=1e-5)
    np.testing.assert_allclose(reconstruction_error(vae, X, batch_size=2), expected, rtol=1e-5)


def test_of_a_dataset_as_of_its_images(tf):
    vae = VAE((4, 4, 1), latent_dim=2, widths=(3,))
    expected = reconstruction_error(vae, X)
    for rows in (X, (X, np.zeros(7))):
        dataset = tf.data.Dataset.from_tensor_slices(rows).batch(4)
        np.testing.assert_allclose(reconstruction_error(vae, dataset), expected, rtol=1e-5)


def test_several_latent_parts():
    halves = types.SimpleNamespace(
        encode=lambda x: [x[:, :2], x[:, 2:]], decode=lambda z: np.concatenate(z, axis=1) + 0.5
    )
    np.testing.assert_allclose(reconstruction_error(halves, X), np.full(7, 2.0), rtol=1e-6)


def test_refuses_what_is_no_generator_or_decodes_to_another_shape():
    with pytest.raises(TypeError, match="`generator` must have the methods"):
        reconstruction_error(lambda x: x, X)
    cropping = types.SimpleNamespace(encode=lambda x: x, decode=lambda z: z[:, :3])
    with pytest.raises(ValueError, match="`generator` must decode to the shape of its inputs"):
        reconstruction_error(cropping, X)
    with pytest.raises(ValueError, match="`batch_size` must be at least 1. Received: batch_size=0"):
        reconstruction_error(cropping, X, batch_size=0)
