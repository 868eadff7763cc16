import keras
import numpy as np
import pytest
from golden.quick import QUICK
from golden.small_vae import X, make, trained
from golden.variables import assert_equal, values

from keras_vat.generators import VAE


def test_freeze_is_for_good():
    vae = trained()
    assert vae.freeze() is vae and vae.frozen
    before, z = values(vae.variables), vae.encode(X)
    assert vae.trainable_weights == [] and vae.trainable_variables == []
    vae.trainable = True
    assert vae.trainable_weights == []
    np.testing.assert_array_equal(vae(X, training=True), vae.decode(z))
    with pytest.raises(RuntimeError, match="frozen generator can't be trained. Received: 'vae"):
        vae.fit(X, verbose=0)
    vae.compile("adam")
    with pytest.raises(RuntimeError, match="frozen generator can't be trained"):
        vae.train_on_batch(X)
    assert_equal(values(vae.variables), before)


def test_a_saved_run_goes_on_bit_equal(tmp_path):
    vae = trained(likelihood="gaussian", seed=3)
    vae.prior_weight = 0.7
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert isinstance(loaded, VAE) and loaded.get_config() == vae.get_config()
    assert float(loaded.prior_weight) == pytest.approx(0.7)
    np.testing.assert_array_equal(loaded(X), vae(X))
    histories = [model.fit(X, batch_size=6, shuffle=False, verbose=0) for model in (loaded, vae)]
    assert histories[0].history == histories[1].history
    assert_equal(values(loaded.variables), values(vae.variables))


def test_a_frozen_one_is_saved_frozen(tmp_path):
    vae = trained().freeze()
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert loaded.frozen and loaded.trainable_weights == []
    np.testing.assert_array_equal(loaded(X), vae(X))
    with pytest.raises(RuntimeError, match="frozen"):
        loaded.fit(X, verbose=0)


def test_saved_weights_carry_the_prior_weight(tmp_path):
    vae = trained()
    vae.prior_weight = 0.7
    vae.save_weights(tmp_path / "vae.weights.h5")
    other = make(QUICK, seed=5)
    other.train_on_batch(X)
    other.load_weights(tmp_path / "vae.weights.h5")
    assert float(other.prior_weight) == pytest.approx(0.7)
    np.testing.assert_array_equal(other(X), vae(X))
