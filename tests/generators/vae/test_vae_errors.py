import numpy as np
import pytest
from golden.small_vae import X, make


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"latent_dim": 0}, ValueError, "`latent_dim` must be at least 1. Received: latent_dim=0"),
        ({"latent_dim": 2.5}, TypeError, "`latent_dim` must be an integer"),
        ({"widths": ()}, ValueError, r"`widths` must be a tuple of numbers .* widths=\(\)"),
        ({"widths": 8}, ValueError, "`widths` must be a tuple of numbers .* Received: widths=8"),
        ({"widths": (8, 0)}, ValueError, "`widths` must be at least 1. Received: widths=0"),
        (
            {"likelihood": "poisson"},
            ValueError,
            "`likelihood` must be one of .*'bernoulli', 'gaussian'.* likelihood='poisson'",
        ),
        ({"prior_weight": -0.1}, ValueError, "`prior_weight` must be .* prior_weight=-0.1"),
        ({"seed": "a"}, TypeError, "`seed` must be an integer or None. Received: seed='a'"),
    ],
)
def test_refuses_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        make(**arguments)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (X * 255.0, r"`x` must be images in \[0, 1\].* Received: x with values from .* to 25"),
        (X - 0.5, r"the generator 'vae.* \(scaling, whitening\) is a layer.* from -0.[45]"),
        ((X * 255).astype("uint8"), "`x` must be floating images .*Received: x of dtype uint8"),
        (X[:, :4], r"`x` must be images of shape \(batch, 8, 8, 1\).*them. Received: .*4, 8, 1\)"),
        (X[..., 0], r"axis of channels by `x\[..., None\]`. Received"),
        (X[0], r"a batch of one image by `x\[None\]`. Received"),
    ],
)
def test_refuses_other_images(images, message):
    vae = make()
    with pytest.raises(ValueError, match=message):
        vae.encode(images)
    with pytest.raises(ValueError, match=message):
        vae.fit(images, verbose=0)


def test_refuses_other_latents_and_numbers():
    vae = make()
    with pytest.raises(ValueError, match=r"`z` must have parts of shapes \[\('batch', 3\)\]"):
        vae.decode(np.zeros((2, 4), "float32"))
    with pytest.raises(ValueError, match="`n` must be at least 1. Received: n=0"):
        vae.sample(0)
    with pytest.raises(ValueError, match="`prior_weight` must be .* prior_weight=-1"):
        vae.prior_weight = -1
