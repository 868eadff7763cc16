import numpy as np

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


def test_signals_become_logits():
    logits = sine_wave_mlp()(np.random.default_rng(0).normal(size=(5, 100, 1)))
    assert logits.shape == (5, 2)
    assert np.min(logits) < 0.0
