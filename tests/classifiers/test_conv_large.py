import keras
import numpy as np
import pytest

from keras_vat.classifiers import conv_large


def test_has_the_parameters_of_table_6():
    kernels = 9 * 3 * 128 + 2 * 9 * 128 * 128  # three 3x3 convolutions of 128
    kernels += 9 * 128 * 256 + 2 * 9 * 256 * 256  # three 3x3 of 256
    kernels += 9 * 256 * 512 + 512 * 256 + 256 * 128  # 3x3 of 512, 1x1 of 256 and of 128
    normalised = 3 * 128 + 3 * 256 + 512 + 256 + 128
    logits = 128 * 10 + 10
    assert conv_large().count_params() == kernels + 4 * normalised + logits
    with_norm = conv_large(top_batch_norm=True)
    assert with_norm.count_params() == conv_large().count_params() + 4 * 10


def test_top_batch_norm_normalizes_the_logits():
    model = conv_large(top_batch_norm=True)
    assert isinstance(model.layers[-1], keras.layers.BatchNormalization)
    x = np.random.default_rng(0).uniform(size=(8, 32, 32, 3)).astype("float32")
    logits = np.asarray(model(x, training=True))
    np.testing.assert_allclose(logits.mean(axis=0), 0.0, atol=1e-4)


def test_the_seventh_convolution_has_no_padding():
    model = conv_large(num_classes=3)
    assert model.get_layer("conv_6").output.shape == (None, 16, 16, 256)
    assert model.get_layer("conv_7").output.shape == (None, 6, 6, 512)
    assert model.get_layer("conv_9").output.shape == (None, 6, 6, 128)
    assert model.output.shape == (None, 3)


def test_no_classes_are_refused():
    with pytest.raises(ValueError, match="`num_classes` must be at least 1. Received"):
        conv_large(num_classes=0)
