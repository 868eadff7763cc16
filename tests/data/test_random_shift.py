import keras
import numpy as np
import pytest

from keras_vat.data.random_shift import RandomShift


def images(batch=40, height=6, width=7, channels=3):
    size = batch * height * width * channels
    return (np.arange(size, dtype="float32") + 1.0).reshape(batch, height, width, channels)


def candidates(image, max_shift, flip):
    """All images the layer may make of one, by slicing in NumPy."""
    height, width, _ = image.shape
    padded = np.pad(image, ((max_shift, max_shift), (max_shift, max_shift), (0, 0)))
    for top in range(2 * max_shift + 1):
        for left in range(2 * max_shift + 1):
            crop = padded[top : top + height, left : left + width]
            yield (top, left, False), crop
            if flip:
                yield (top, left, True), crop[:, ::-1]


def draws(layer, x):
    """Which of the candidates each output is."""
    found = []
    for image, result in zip(x, np.asarray(layer(x, training=True)), strict=True):
        options = candidates(image, layer.max_shift, layer.horizontal_flip)
        matches = [key for key, option in options if np.array_equal(option, result)]
        assert len(matches) == 1
        found.append(matches[0])
    return found


@pytest.mark.parametrize("flip", [False, True])
def test_every_output_is_a_crop_of_the_zero_padded_image(flip):
    found = draws(RandomShift(2, horizontal_flip=flip, seed=0), images(batch=600))
    tops, lefts, flips = zip(*found, strict=True)
    assert set(tops) == set(lefts) == set(range(5))
    assert 220 < sum(flips) < 380 if flip else not any(flips)
    assert len({(top, left) for top, left, _ in found}) == 25  # drawn independently, per image


def test_every_call_draws_anew_and_the_seed_decides():
    x = images()
    layer, same = RandomShift(seed=3), RandomShift(seed=3)
    first, second = draws(layer, x), draws(layer, x)
    assert first != second
    assert [draws(same, x), draws(same, x)] == [first, second]
    assert draws(RandomShift(seed=-7), x) != first


@pytest.mark.parametrize("training", [False, None])
def test_images_pass_unchanged_outside_training(training):
    x = images()
    np.testing.assert_array_equal(RandomShift(seed=0)(x, training=training), x)


def test_no_shift_and_no_flip_change_nothing():
    x = images()
    np.testing.assert_array_equal(RandomShift(0, seed=0)(x, training=True), x)


def test_works_in_a_tf_data_pipeline_with_uneven_batches(tf):
    layer = RandomShift(2, horizontal_flip=True, seed=0)
    x = images(batch=10)
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(4)
    dataset = dataset.map(lambda batch: layer(batch, training=True))
    shifted = np.concatenate(list(dataset.as_numpy_iterator()))
    assert shifted.shape == x.shape and (shifted != x).any()


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_copies_pixels_exactly(dtype):
    x = images(batch=4, height=4, width=4, channels=1)  # whole numbers up to 64
    shifted = RandomShift(1, seed=0, dtype=dtype)(x, training=True)
    assert shifted.dtype == dtype.removeprefix("mixed_")
    found = set(np.ravel(keras.ops.cast(shifted, "float32")).tolist())
    assert found <= {0.0, *x.ravel().tolist()}


def test_runs_compiled_with_xla(tf):
    layer = RandomShift(2, horizontal_flip=True, seed=0)
    compiled = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    assert compiled(images()).shape == images().shape


def test_is_saved_inside_a_model(tmp_path):
    model = keras.Sequential([keras.Input((6, 7, 3)), RandomShift(3, True, seed=1)])
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras").layers[0]
    assert loaded.get_config() == model.layers[0].get_config()
    assert (loaded.max_shift, loaded.horizontal_flip, loaded.seed) == (3, True, 1)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`max_shift` must be at least 0. Received: max_shift=-1"):
        RandomShift(-1)
    with pytest.raises(TypeError, match="`max_shift` must be an integer"):
        RandomShift(0.1)
    with pytest.raises(ValueError, match="expected ndim=4"):
        RandomShift()(np.zeros((28, 28)), training=True)
