import keras
import numpy as np
import pytest

from keras_vat.classifiers import conv_small


def parameters(a, b, top_batch_norm, num_classes=10):
    """By hand from table 6, whose columns have `a` filters three times and `b` six times."""
    kernels = 9 * 3 * a + 2 * 9 * a * a + 9 * a * b + 2 * 9 * b * b + 9 * b * b + 2 * b * b
    normalised = 3 * a + 6 * b + (num_classes if top_batch_norm else 0)
    return kernels + 4 * normalised + b * num_classes + num_classes


def test_has_the_parameters_of_table_6():
    assert conv_small("svhn").count_params() == parameters(64, 128, True)
    assert conv_small("cifar10").count_params() == parameters(96, 192, False)
    assert conv_small("svhn", 7).count_params() == parameters(64, 128, True, 7)


def test_layers_shrink_the_image_as_in_table_6():
    model = conv_small("cifar10")
    shapes = [n.output.shape[1:] for n in model.layers if isinstance(n, keras.layers.Conv2D)]
    assert shapes == [(32, 32, 96)] * 3 + [(16, 16, 192)] * 3 + [(6, 6, 192)] * 3
    kernels = [n.kernel_size[0] for n in model.layers if isinstance(n, keras.layers.Conv2D)]
    assert kernels == [3] * 7 + [1] * 2


def test_each_convolution_is_normalized_then_leaky():
    layers = conv_small("svhn").layers
    for i, layer in enumerate(layers):
        if isinstance(layer, keras.layers.Conv2D):
            assert not layer.use_bias
            assert isinstance(layers[i + 1], keras.layers.BatchNormalization)
            assert (layers[i + 1].epsilon, layers[i + 1].momentum) == (1e-6, 0.99)
            assert isinstance(layers[i + 2], keras.layers.LeakyReLU)
            assert layers[i + 2].negative_slope == pytest.approx(0.1)
        if isinstance(layer, keras.layers.MaxPooling2D):
            assert isinstance(layers[i + 1], keras.layers.Dropout)
            assert layers[i + 1].rate == 0.5
    assert sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in layers) == 2


def test_convolutions_start_he_truncated_normal():
    kernel = conv_small("svhn").get_layer("conv_5").kernel.numpy()
    expected = np.sqrt(2.0 / (9 * 128))
    assert kernel.std() == pytest.approx(expected, rel=0.02)
    # Cut at two standard deviations of the normal before cutting.
    assert 2.1 < np.abs(kernel).max() / expected < 2.3


def test_only_svhn_normalizes_the_logits():
    svhn, cifar10 = conv_small("svhn"), conv_small("cifar10")
    assert isinstance(svhn.layers[-1], keras.layers.BatchNormalization)
    assert isinstance(cifar10.layers[-1], keras.layers.Dense)
    assert svhn.layers[-1].name == cifar10.layers[-1].name == "logits"
    plain = conv_small("svhn", top_batch_norm=False)
    assert isinstance(plain.layers[-1], keras.layers.Dense)
    assert plain.count_params() == svhn.count_params() - 4 * 10


@pytest.mark.parametrize("dataset", ["svhn", "cifar10"])
def test_logits_are_float32_under_mixed_precision(dataset):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = conv_small(dataset)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("conv_1").compute_dtype == "bfloat16"
    logits = model(np.zeros((2, 32, 32, 3), "float32"))
    assert logits.shape == (2, 10) and logits.dtype == "float32"


def test_unknown_dataset_is_refused():
    with pytest.raises(ValueError, match="`dataset` must be one of .* Received: dataset='mnist'"):
        conv_small("mnist")
    with pytest.raises(ValueError, match="`num_classes` must be at least 1. Received"):
        conv_small(num_classes=0)
