"""A small net in NumPy, the independent computation that tests compare with."""

import keras
import numpy as np
from keras import ops


class TanhNet:
    """f(x) = tanh(x A + a) B + b in float64, with its Jacobian in closed form."""

    def __init__(self, inputs=5, hidden=7, outputs=4, seed=0):
        random = np.random.default_rng(seed)
        self.weights = [
            random.normal(size=(inputs, hidden)),
            random.normal(size=hidden),
            random.normal(size=(hidden, outputs)),
            random.normal(size=outputs),
        ]

    def logits(self, x):
        a, a0, b, b0 = self.weights
        return np.tanh(x @ a + a0) @ b + b0

    def jacobian(self, x):
        """Shape `(batch, outputs, inputs)`."""
        a, a0, b, _ = self.weights
        slope = 1 - np.tanh(x @ a + a0) ** 2
        return np.einsum("hk,nh,ih->nki", b, slope, a)

    def hessian(self, x):
        """Of KL(softmax f(x) || softmax f(x + r)) at r = 0: J^T (diag(p) - p p^T) J."""
        p = softmax(self.logits(x))
        fisher = np.einsum("nk,kl->nkl", p, np.eye(p.shape[1])) - np.einsum("nk,nl->nkl", p, p)
        jacobian = self.jacobian(x)
        return np.einsum("nki,nkl,nlj->nij", jacobian, fisher, jacobian)

    def keras_model(self, activation=None, dtype="float64"):
        float_type = "float64" if dtype == "float64" else "float32"
        inputs = keras.Input((self.weights[0].shape[0],), dtype=float_type)
        hidden = keras.layers.Dense(self.weights[1].size, tanh, dtype=dtype)(inputs)
        outputs = keras.layers.Dense(self.weights[3].size, activation, dtype=dtype)(hidden)
        model = keras.Model(inputs, outputs)
        model.set_weights(self.weights)
        return model


@keras.saving.register_keras_serializable(package="golden")
def tanh(x):
    """In the dtype of x; Keras's own returns float32 on JAX."""
    return 2.0 * ops.sigmoid(2.0 * x) - 1.0


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def kl(p, q):
    """Of categorical distributions."""
    return np.sum(p * np.log(p / q), axis=-1)
