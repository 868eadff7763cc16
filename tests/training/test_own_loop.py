"""A penalty in a loop of one's own: the numbers that `fit` gives for the same seeds."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_vat import VATModel, regularizers

LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def make():
    keras.utils.set_random_seed(0)
    stack = [layers.Dense(6, "tanh"), layers.BatchNormalization(), layers.Dropout(0.5, seed=1)]
    classifier = keras.Sequential([keras.Input((4,)), *stack, layers.Dense(3)])
    vat = regularizers.VirtualAdversarialTraining(0.5, weight=0.7, seed=2)
    return classifier, vat


def loss_and_gradients(classifier, vat, x, y):
    """On either backend; what the two passes moved is assigned."""

    def total():
        penalty = vat.penalty(classifier, x, training=True)
        loss = LOGITS(y, classifier(x, training=True))
        return loss + 0.7 * penalty, loss, penalty

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            found = total()
        return found[1:], tape.gradient(found[0], classifier.trainable_variables)
    import jax

    trained = classifier.trainable_variables
    state = [*classifier.non_trainable_variables, *vat.variables]

    def stateless(weights):
        with keras.StatelessScope(list(zip(trained, weights, strict=True))) as scope:
            found = total()
        return found[0], (found[1:], [scope.get_current_value(v) for v in state])

    weights = [variable.value for variable in trained]
    (_, (found, now)), gradients = jax.value_and_grad(stateless, has_aux=True)(weights)
    for variable, value in zip(state, now, strict=True):
        if value is not None:
            variable.assign(value)
    return found, gradients


@pytest.mark.filterwarnings("ignore:After 2 updates the moving averages")
def test_a_loop_of_ones_own_trains_as_fit_does(rows):
    classifier, vat = make()
    optimizer = keras.optimizers.SGD(0.1)
    own = []
    for _ in range(2):
        found, gradients = loss_and_gradients(classifier, vat, rows.x, rows.y)
        optimizer.apply(gradients, classifier.trainable_variables)
        own.append([float(value) for value in found])
    other, vat = make()
    model = VATModel(other, vat, batch_statistics="batch")
    model.compile(keras.optimizers.SGD(0.1), LOGITS, jit_compile=False)
    logs = model.fit(rows.x, rows.y, batch_size=12, epochs=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(own, np.transpose([logs["supervised_loss"], logs["vat"]]), rtol=1e-4)
    for one, of_fit in zip(classifier.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, of_fit, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_loop_within_a_function_that_autograph_converts(rows, tf):
    found = []
    for compiled in (loss_and_gradients, tf.function(loss_and_gradients)):
        classifier, vat = make()
        penalty = compiled(classifier, vat, tf.constant(rows.x), tf.constant(rows.y))[0][1]
        found.append(float(penalty))
    assert found[1] == pytest.approx(found[0], rel=1e-4) and found[0] > 0
