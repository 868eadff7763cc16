"""Calls are seen in one thread, for a while, and nothing stays."""

import threading

import keras
import numpy as np
from keras import ops

from keras_vat.forward.calls_seen import CallsSeen


def test_calls_seen():
    layer = keras.layers.Dense(2, "softmax")
    x = np.ones((1, 3), "float32")
    unseen, originals = layer(x), (keras.layers.Layer.__call__, keras.ops.softmax)
    seen = []

    def around_layer(layer, call, args, kwargs):
        seen.append(layer.name)
        return call(*args, **kwargs)

    def around_activation(name, function, x, axis):
        seen.append((name, axis))
        return x

    with CallsSeen(around_layer, around_activation):
        logits = layer(x)
        keras.layers.Activation("sigmoid", name="last")(x)
    assert seen == [layer.name, ("softmax", -1), "last", ("sigmoid", None)]
    np.testing.assert_allclose(ops.softmax(logits), unseen, rtol=1e-6)
    assert (keras.layers.Layer.__call__, keras.ops.softmax) == originals


def test_calls_of_other_threads_are_not_seen():
    def never(*_):
        raise AssertionError("seen")

    layer, results = keras.layers.Dense(2), []
    with CallsSeen(never, never):
        thread = threading.Thread(target=lambda: results.append(layer(np.ones((1, 3)))))
        thread.start()
        thread.join()
    assert len(results) == 1
