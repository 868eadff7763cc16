"""Nothing of ours stays on a user's model: whatever thread runs, whatever exception flies."""

import threading

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_vat import Forward, callbacks, perturbations

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")


def make():
    stack = [layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dense(3, "softmax")]
    return keras.Sequential([keras.Input((4,)), *stack])


def attributes(classifier):
    """What the layers have, by name and identity."""
    return [
        {name: id(value) for name, value in vars(layer).items() if not name.startswith("_")}
        for layer in classifier.layers
    ]


def in_threads(*works):
    """Runs functions at once; what they raised."""
    errors = []

    def run(work):
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_threads_of_one_classifier_find_what_one_finds(tmp_path):
    classifier = make()
    before = attributes(classifier)
    perturbation = {"epsilon": 0.5, "seed": 3}
    alone = perturbations.VirtualAdversarialPerturbation(**perturbation)(classifier, X)
    found = []

    def find():
        r = perturbations.VirtualAdversarialPerturbation(**perturbation)(classifier, X)
        found.append(ops.convert_to_numpy(r))

    def find_at_moving_statistics():
        for _ in range(3):
            forward = Forward(classifier, training=True, batch_statistics="moving")
            perturbations.RandomPerturbation(0.5)(forward, X)

    def reestimate():
        callback = callbacks.BatchNormReestimation(X, steps=2, batch_size=8)
        callback.set_model(keras.models.clone_model(classifier))
        callback.on_train_end()

    assert in_threads(find, find, find_at_moving_statistics, reestimate) == []
    for r in found:
        np.testing.assert_allclose(r, alone, rtol=1e-5, atol=1e-6)
    assert attributes(classifier) == before
    assert all(layer.trainable for layer in classifier.layers)
    classifier.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), classifier(X), rtol=1e-6)


def test_a_pass_that_fails_leaves_nothing():
    classifier = make()
    before, call = attributes(classifier), keras.layers.Layer.__call__
    for policy in ("batch", "moving", "update"):
        forward = Forward(classifier, training=True, batch_statistics=policy)
        with pytest.raises(ValueError, match="incompatible"):
            forward.logits(ops.zeros((2, 7)))
    assert attributes(classifier) == before
    assert keras.layers.Layer.__call__ is call


def test_a_frozen_sublayer_of_a_normalization_stays_frozen():
    """The moving statistics are used without a change of any flag."""
    classifier = make()
    classifier.layers[1].gamma.trainable = False
    forward = Forward(classifier, training=True, batch_statistics="moving")
    forward.logits(ops.convert_to_tensor(X))
    assert not classifier.layers[1].gamma.trainable and classifier.layers[1].beta.trainable


def test_reestimation_leaves_the_momentum(monkeypatch):
    seen = []
    classifier = make()
    layer = classifier.layers[1]
    call = layer.call
    monkeypatch.setattr(
        type(layer), "call", lambda self, *a, **k: (seen.append(self.momentum), call(*a, **k))[1]
    )
    callback = callbacks.BatchNormReestimation(X, steps=2, batch_size=8)
    callback.set_model(classifier)
    callback.on_train_end()
    assert set(seen) == {0.99}
