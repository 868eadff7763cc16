"""Sparse inputs, as of counted words: trained as plain Keras trains them, perturbed densely."""

import keras
import numpy as np
import pytest

from keras_vat import VATModel, evaluation, perturbations, regularizers

sparse = pytest.importorskip("scipy.sparse")

LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
X = sparse.random(32, 4, density=0.5, format="csr", dtype="float32", random_state=0)
Y = np.arange(32) % 3


def make(sparse_input=True):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((4,), sparse=sparse_input),
            keras.layers.Dense(8, "relu"),
            keras.layers.Dense(3),
        ]
    )


def trained(x, methods, sparse_input=True):
    model = VATModel(make(sparse_input), methods)
    model.compile("sgd", LOGITS, jit_compile=False)
    history = model.fit(x, Y, batch_size=32, shuffle=False, verbose=0).history
    return history, model.get_weights()


def of_the_backend():
    if keras.backend.backend() == "tensorflow":
        return of_tensorflow()
    from jax.experimental import sparse as jax_sparse

    return jax_sparse.BCOO.fromdense(X.toarray())


@pytest.mark.parametrize(
    "methods",
    [
        [],
        [regularizers.EntropyMinimization()],
        [
            regularizers.VirtualAdversarialTraining(0.5, seed=1),
            regularizers.AdversarialTraining(0.5),
            regularizers.RandomPerturbationTraining(0.5, seed=2),
        ],
    ],
    ids=["plain", "entropy", "perturbed"],
)
def test_a_training_is_that_on_dense_inputs(methods):
    copies = [[type(m).from_config(m.get_config()) for m in methods] for _ in range(2)]
    history, weights = trained(X, copies[0])
    expected, expected_weights = trained(X.toarray(), copies[1], sparse_input=False)
    for name in expected:
        np.testing.assert_allclose(history[name], expected[name], rtol=1e-4, atol=1e-6)
    for weight, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-4, atol=1e-6)


def of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    return tf.sparse.from_dense(X.toarray())


@pytest.mark.parametrize("make_x", [lambda: X, of_the_backend, of_tensorflow])
def test_a_perturbation_is_dense(make_x):
    x = make_x()
    arguments = {"epsilon": 0.5, "seed": 1}
    r = perturbations.VirtualAdversarialPerturbation(**arguments)(make(), x)
    dense = perturbations.VirtualAdversarialPerturbation(**arguments)(make(False), X.toarray())
    np.testing.assert_allclose(r, dense, rtol=1e-4, atol=1e-6)
    smoothness = [
        evaluation.local_distributional_smoothness(classifier, inputs, epsilon=0.5, seed=1)
        for classifier, inputs in ((make(), x), (make(False), X.toarray()))
    ]
    np.testing.assert_allclose(*smoothness, rtol=1e-3, atol=1e-7)
