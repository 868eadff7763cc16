"""All callbacks at once on the real model, through a compiled `fit` and a saved file."""

import keras
import numpy as np

import keras_vat
from keras_vat.callbacks import (
    AlphaWarmup,
    BatchNormReestimation,
    EpsilonWarmup,
    SmoothnessMonitor,
)


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32")


def build(learning_rate=1e-3, dropout=0.0):
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(16),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(2),
        ]
    )
    vat = keras_vat.regularizers.VirtualAdversarialTraining(epsilon=0.5)
    entropy = keras_vat.regularizers.EntropyMinimization()
    model = keras_vat.VATModel(classifier, [vat, entropy])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(learning_rate), loss)
    return model


def test_warmups_reach_the_compiled_step():
    x, y = data()
    model = build(learning_rate=0.0)
    callbacks = [
        AlphaWarmup(end=2.0, epochs=2, regularizer="vat"),
        AlphaWarmup(start=0.5, end=0.0, steps=4, regularizer="entropy"),
        EpsilonWarmup(0.1, 0.3, epochs=2),
    ]
    history = model.fit(
        x, y, batch_size=64, epochs=3, verbose=0, shuffle=False, callbacks=callbacks
    ).history
    np.testing.assert_allclose(history["vat_weight"], [0.0, 1.0, 2.0])
    np.testing.assert_allclose(history["entropy_weight"], [0.5, 0.375, 0.25])
    np.testing.assert_allclose(history["vat_epsilon"], [0.1, 0.2, 0.3], rtol=1e-6)
    # One batch per epoch: the total is the sum of its terms, each with the weight of that epoch.
    total = (
        np.array(history["supervised_loss"])
        + np.array(history["vat_weight"]) * history["vat"]
        + np.array(history["entropy_weight"]) * history["entropy"]
    )
    np.testing.assert_allclose(history["loss"], total, rtol=1e-5)
    # The weights stand still, so the divergence grows with the square of epsilon.
    np.testing.assert_allclose(np.array(history["vat"]) / history["vat"][0], [1, 4, 9], rtol=0.2)


def test_a_saved_run_goes_on_where_it_stopped(tmp_path):
    x, y = data()
    model = build()
    warmup = AlphaWarmup(steps=8, regularizer="vat")
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[warmup])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    warmup = AlphaWarmup(steps=8, regularizer="vat")
    history = loaded.fit(x, y, batch_size=16, verbose=0, callbacks=[warmup]).history
    np.testing.assert_allclose(history["vat_weight"], [7 / 8])


def test_monitor_and_reestimation():
    x, y = data()
    model = build(dropout=0.2)
    callbacks = [SmoothnessMonitor(x, epsilon=0.5), BatchNormReestimation(x, steps=1)]
    history = model.fit(x, y, batch_size=16, epochs=2, verbose=0, callbacks=callbacks).history
    assert len(history["lds"]) == 2 and min(history["lds"]) > 0.0
    dense, batch_norm = model.classifier.layers[:2]
    hidden = np.float64(x) @ np.float64(dense.kernel) + np.float64(dense.bias)
    np.testing.assert_allclose(batch_norm.moving_mean, hidden.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(batch_norm.moving_variance, hidden.var(axis=0), rtol=1e-4)
