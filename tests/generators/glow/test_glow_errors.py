import numpy as np
import pytest
from golden.quick import QUICK

from keras_vat.generators import Glow


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"num_levels": 0}, ValueError, "`num_levels` must be at least 1. Received: num_levels=0"),
        ({"num_levels": 1.5}, TypeError, "`num_levels` must be an integer"),
        ({"num_levels": 4}, ValueError, "`num_levels` must leave the last level .*num_levels=4"),
        ({"num_steps": 0}, ValueError, "`num_steps` must be at least 1. Received: num_steps=0"),
        ({"width": -1}, ValueError, "`width` must be at least 1. Received: width=-1"),
        ({"scale": "exp"}, ValueError, "`scale` must be one of .*Received: scale='exp'"),
        ({"seed": 0.5}, TypeError, "`seed` must be an integer or None. Received: seed=0.5"),
        ({"input_shape": (8, 8)}, ValueError, r"`input_shape` must be \(height, width, channels\)"),
        ({"input_shape": 8}, ValueError, "`input_shape` must be .*Received: input_shape=8"),
        ({"input_shape": (8, None, 1)}, TypeError, "`input_shape` must be an integer"),
        ({"input_shape": (8, 0, 1)}, ValueError, "`input_shape` must be at least 1"),
    ],
)
def test_constructor(settings, error, message):
    with pytest.raises(error, match=message):
        Glow(**{"input_shape": (8, 8, 1), "num_levels": 1, "num_steps": 1, "width": 2, **settings})


@pytest.mark.parametrize("method", ["encode", "log_prob", "bits_per_dimension", "initialize"])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.full((1, 8, 12, 1), 255.0, "float32"), r"must be images in \[0, 1\].* to 255"),
        (np.full((1, 8, 12, 1), -0.5, "float32"), "Received: .*with values from -0.5 to -0.5"),
        (np.full((1, 8, 12, 1), np.nan, "float32"), "with values from nan to nan"),
        (np.ones((1, 8, 12, 1), "uint8"), "divide bytes by 255. Received: .*dtype uint8"),
        (np.ones((1, 12, 8, 1), "float32"), r"of shape \(batch, 8, 12, 1\).*\(1, 12, 8, 1\)"),
        (np.ones((8, 12, 1), "float32"), "must be images of shape"),
    ],
)
def test_images(make_glow, method, x, message):
    name = "images" if method == "initialize" else "x"
    with pytest.raises(ValueError, match=f"`{name}` must be .*{message}|{message}"):
        getattr(make_glow(), method)(x)


def test_latents(make_glow):
    glow = make_glow()
    with pytest.raises(ValueError, match="`z` must have parts of shapes .*Received: z of shapes"):
        glow.decode([np.zeros((1, 4, 6, 2), "float32")])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 0}, "`n` must be at least 1"),
        ({"n": 1, "temperature": -1.0}, "`temperature` must be .*at least 0"),
    ],
)
def test_sample(make_glow, settings, message):
    with pytest.raises(ValueError, match=message):
        make_glow().sample(**settings)


def test_training_of_a_frozen_flow(make_glow, images):
    glow, x = make_glow(num_steps=1, num_levels=1), images(4, 8, 12, 1)
    glow.compile("adam", **QUICK)
    glow.train_on_batch(x)
    glow.freeze()
    for compile_again in (False, True):
        if compile_again:
            glow.compile("adam")
        for train in (glow.fit, glow.train_on_batch):
            with pytest.raises(RuntimeError, match="A frozen generator can't be trained"):
                train(x)


@pytest.mark.parametrize("kind", ["array", "dataset"])
def test_training_on_bytes(make_glow, kind, request):
    x = np.full((4, 8, 12, 1), 200.0, "float32")
    if kind == "dataset":
        x = request.getfixturevalue("tf").data.Dataset.from_tensor_slices(x).batch(2)
    glow = make_glow(num_steps=1)
    glow.compile("adam")
    with pytest.raises(ValueError, match=r"`x` must be images in \[0, 1\].*to 200"):
        glow.fit(x)


def test_training_on_a_generator_needs_an_initialization(make_glow, images):
    glow = make_glow(num_steps=1, num_levels=1)
    glow.compile("adam", **QUICK)

    def batches():
        while True:
            yield (images(4, 8, 12, 1),)

    with pytest.raises(ValueError, match=r"Otherwise call `initialize\(images\)` before"):
        glow.fit(batches(), steps_per_epoch=1)
    glow.initialize(images(4, 8, 12, 1))
    assert np.isfinite(glow.fit(batches(), steps_per_epoch=1, verbose=0).history["loss"])


def test_a_loss_is_refused(make_glow):
    with pytest.raises(ValueError, match="`loss` must be left out.*Received: loss='mse'"):
        make_glow().compile("adam", loss="mse")
