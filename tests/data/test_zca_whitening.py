import keras
import numpy as np
import pytest

from keras_vat.data import ZCAWhitening


@pytest.fixture(scope="module")
def x():
    """Correlated images far from the origin."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(12, 12))
    return (rng.normal(size=(500, 12)) @ mixing + 20.0).reshape(500, 2, 3, 2)


@pytest.fixture
def adapted(x):
    layer = ZCAWhitening()
    layer.adapt(x)
    return layer


def covariance(z):
    return np.cov(np.asarray(z, "float64").reshape(len(z), -1), rowvar=False, bias=True)


def test_output_has_mean_zero_and_identity_covariance(adapted, x):
    white = adapted(x)
    assert white.shape == x.shape
    np.testing.assert_allclose(np.mean(white, axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(covariance(white), np.eye(12), atol=1e-4)


def test_matrix_is_the_symmetric_inverse_root_of_the_covariance(x):
    layer = ZCAWhitening(regularization=0.3)
    layer.adapt(x)
    matrix = layer.matrix.numpy().astype("float64")
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    # Independent of the layer: W^-1 = C^(1/2) + 0.3 I, so (W^-1 - 0.3 I)^2 = C.
    root = np.linalg.inv(matrix) - 0.3 * np.eye(12)
    np.testing.assert_allclose(root @ root, covariance(x), rtol=1e-4, atol=1e-3)


def test_stays_closer_to_the_input_than_another_whitening(adapted, x):
    centred = x.reshape(500, -1) - x.reshape(500, -1).mean(axis=0)
    variances, basis = np.linalg.eigh(covariance(x))
    pca = centred @ basis / np.sqrt(variances)
    zca = np.asarray(adapted(x)).reshape(500, -1)
    assert np.sum((zca - centred) ** 2) < np.sum((pca - centred) ** 2)


def test_batches_of_any_size_give_what_the_whole_array_gives(tf, adapted, x):
    layer = ZCAWhitening()
    layer.adapt(tf.data.Dataset.from_tensor_slices((x, np.zeros(500))).batch(37))
    np.testing.assert_allclose(layer.matrix.numpy(), adapted.matrix.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.mean.numpy(), adapted.mean.numpy(), rtol=1e-6)


def test_adapt_leaves_the_data_alone(x):
    before = x.copy()
    ZCAWhitening().adapt(x)
    np.testing.assert_array_equal(x, before)


def test_adapting_again_replaces_the_statistics(adapted, x):
    adapted.adapt(x * 2.0)
    np.testing.assert_allclose(covariance(adapted(x * 2.0)), np.eye(12), atol=1e-4)


def test_weights_are_not_trainable(adapted):
    assert adapted.trainable_variables == [] and len(adapted.non_trainable_variables) == 2


def test_integer_images_are_accepted():
    images = np.random.default_rng(0).integers(0, 256, (200, 2, 2, 1), dtype="uint8")
    layer = ZCAWhitening()
    layer.adapt(images)
    np.testing.assert_allclose(covariance(layer(images)), np.eye(4), atol=1e-3)


def test_directions_without_variance_stay_finite(x):
    flat = x.copy()
    flat[:, 0, 0, 0] = 0.0
    layer = ZCAWhitening()
    layer.adapt(flat)
    assert np.isfinite(layer(flat)).all()


@pytest.mark.parametrize("batch_size", [1, 32])
def test_works_in_a_tf_data_pipeline(tf, adapted, x, batch_size):
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(batch_size).map(adapted)
    white = np.concatenate(list(dataset.as_numpy_iterator()))
    np.testing.assert_allclose(white, adapted(x), atol=1e-4)


def test_half_precision_rounds_the_output_only(adapted, x):
    layer = ZCAWhitening(dtype="mixed_bfloat16")
    layer.adapt(x)
    assert layer.matrix.dtype == "float32"
    white = layer(x.astype("float32"))
    assert white.dtype == "bfloat16"
    np.testing.assert_allclose(keras.ops.cast(white, "float32"), adapted(x), rtol=1e-2, atol=1e-3)


# Keras 3.15 converts variables on saving in a way that NumPy 2 calls outdated.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_is_saved_inside_a_model(adapted, x, tmp_path):
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(adapted(inputs))))
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    expected = model.predict(x, verbose=0)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)


def test_config_gives_an_equal_layer():
    layer = ZCAWhitening(regularization=0.5, name="zca")
    assert ZCAWhitening.from_config(layer.get_config()).get_config() == layer.get_config()


def test_a_copy_with_assigned_weights_works(adapted, x):
    copy = ZCAWhitening.from_config(adapted.get_config())
    copy.build((None, *x.shape[1:]))
    copy.set_weights(adapted.get_weights())
    np.testing.assert_array_equal(copy(x), adapted(x))


def test_call_before_adapt_is_refused(x):
    with pytest.raises(ValueError, match="`ZCAWhitening.adapt` must be called before the layer"):
        ZCAWhitening()(x)


def test_a_pipeline_before_adapt_is_refused(tf, x):
    with pytest.raises(ValueError, match="Call `adapt"):
        tf.data.Dataset.from_tensor_slices(x).batch(5).map(ZCAWhitening())


def test_unusable_data_are_refused(x):
    with pytest.raises(ValueError, match="`data` must have at least one row"):
        ZCAWhitening().adapt(x[:0])
    with pytest.raises(ValueError, match="`data` must be finite"):
        ZCAWhitening().adapt(np.where(x > 25.0, np.inf, x))
    with pytest.raises(ValueError, match="variance in every direction"):
        ZCAWhitening(regularization=0.0).adapt(np.ones((4, 2)))


def test_another_shape_than_adapted_to_is_refused(adapted, x):
    with pytest.raises(ValueError, match="expected shape"):
        adapted(x.reshape(500, 3, 2, 2))


def test_negative_regularization_is_refused():
    with pytest.raises(ValueError, match="`regularization` must be .* Received: regularization=-1"):
        ZCAWhitening(regularization=-1.0)
