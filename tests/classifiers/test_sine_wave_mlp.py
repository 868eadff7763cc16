import keras
import numpy as np
import pytest

from keras_vat.classifiers import sine_wave_mlp


def test_has_the_layers_of_the_paper():
    model = sine_wave_mlp()
    kernels = 100 * 128 + 128 * 128
    assert model.count_params() == kernels + 4 * (128 + 128) + 128 * 2 + 2
    names = [type(layer).__name__ for layer in model.layers]
    assert names == [
        "InputLayer",
        "Flatten",
        *["Dense", "BatchNormalization", "ReLU"] * 2,
        "Dense",
    ]


def test_dropout_follows_every_hidden_layer_and_acts_in_training_only():
    model = sine_wave_mlp(dropout=0.5)
    names = [type(layer).__name__ for layer in model.layers]
    hidden = ["Dense", "BatchNormalization", "ReLU", "Dropout"]
    assert names == ["InputLayer", "Flatten", *hidden * 2, "Dense"]
    assert {n.rate for n in model.layers if isinstance(n, keras.layers.Dropout)} == {0.5}
    x = np.random.default_rng(0).normal(size=(4, 100, 1))
    assert np.abs(model(x, training=True) - model(x, training=True)).max() > 0.1
    np.testing.assert_array_equal(model(x), model(x))


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_dropout_outside_its_range_is_refused(dropout):
    with pytest.raises(ValueError, match=f"`dropout` must be .* Received: dropout={dropout}"):
        sine_wave_mlp(dropout=dropout)


def test_signals_become_logits():
    logits = sine_wave_mlp()(np.random.default_rng(0).normal(size=(5, 100, 1)))
    assert logits.shape == (5, 2)
    assert np.min(logits) < 0.0
