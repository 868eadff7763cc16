import keras
import numpy as np
import pytest

from keras_vat.classifiers import mnist_mlp


@pytest.fixture
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def test_has_the_parameters_of_the_paper():
    # Dense kernels; two trained and two moving numbers per normalised unit; dense with bias.
    kernels = 784 * 1200 + 1200 * 600 + 600 * 300 + 300 * 150
    normalised = 1200 + 600 + 300 + 150
    logits = 150 * 10 + 10
    assert mnist_mlp().count_params() == kernels + 4 * normalised + logits == 1_896_310


def test_images_become_logits():
    model = mnist_mlp()
    logits = model(np.random.default_rng(0).uniform(size=(5, 28, 28, 1)))
    assert logits.shape == (5, 10)
    assert model.layers[-1].activation is keras.activations.linear
    assert np.min(logits) < 0.0  # no probabilities


@pytest.mark.parametrize("shape", [(784,), (8, 8, 1)])
def test_other_input_shapes_are_flattened(shape):
    assert mnist_mlp(input_shape=shape)(np.zeros((2, *shape))).shape == (2, 10)


def test_noise_follows_every_hidden_layer_and_acts_in_training_only():
    model = mnist_mlp(noise=0.5)
    names = [type(layer).__name__ for layer in model.layers]
    hidden = ["Dense", "BatchNormalization", "ReLU", "GaussianNoise"]
    assert names == ["InputLayer", "Flatten", *hidden * 4, "Dense"]
    assert {n.stddev for n in model.layers if isinstance(n, keras.layers.GaussianNoise)} == {0.5}
    x = np.random.default_rng(0).uniform(size=(4, 28, 28, 1))
    assert np.abs(model(x, training=True) - model(x, training=True)).max() > 0.1
    np.testing.assert_array_equal(model(x), model(x))


def test_without_noise_and_dropout_there_are_no_such_layers():
    kinds = (keras.layers.GaussianNoise, keras.layers.Dropout)
    assert not any(isinstance(layer, kinds) for layer in mnist_mlp().layers)


def test_dropout_follows_every_hidden_layer_and_acts_in_training_only():
    model = mnist_mlp(dropout=0.5)
    names = [type(layer).__name__ for layer in model.layers]
    hidden = ["Dense", "BatchNormalization", "ReLU", "Dropout"]
    assert names == ["InputLayer", "Flatten", *hidden * 4, "Dense"]
    assert {n.rate for n in model.layers if isinstance(n, keras.layers.Dropout)} == {0.5}
    x = np.random.default_rng(0).uniform(size=(4, 28, 28, 1))
    assert np.abs(model(x, training=True) - model(x, training=True)).max() > 0.1
    np.testing.assert_array_equal(model(x), model(x))


def test_noise_comes_before_dropout():
    names = [layer.name for layer in mnist_mlp(noise=0.5, dropout=0.2).layers]
    assert names[3:7] == ["normalization_1", "relu_1", "noise_1", "dropout_1"]


def test_normalization_has_the_papers_constants():
    layers = [n for n in mnist_mlp().layers if isinstance(n, keras.layers.BatchNormalization)]
    assert {(n.epsilon, n.momentum) for n in layers} == {(1e-6, 0.99)}


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"], indirect=True)
def test_logits_are_float32_under_mixed_precision(policy):
    model = mnist_mlp()
    assert model.layers[2].compute_dtype == policy.removeprefix("mixed_")
    assert model(np.zeros((2, 28, 28, 1))).dtype == "float32"


def test_negative_noise_is_refused():
    with pytest.raises(ValueError, match="`noise` must be .* Received: noise=-0.5"):
        mnist_mlp(noise=-0.5)


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_dropout_outside_its_range_is_refused(dropout):
    with pytest.raises(ValueError, match=f"`dropout` must be .* Received: dropout={dropout}"):
        mnist_mlp(dropout=dropout)
