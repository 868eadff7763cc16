"""A training loop of one's own, with a method's penalty in it
===========================================================
    total = loss + regularizer.penalty(classifier, x, training=True)

The penalty leaves the classifier as it found it, dropout's seeds and moving averages included.
Taken before the pass that trains, it uses the same dropout masks, as in `fit`. So the losses below
are those that `fit` logs for the same seeds, which the script prints beside them. Some twenty
seconds.

::

    python examples/own_loop.py
    KERAS_BACKEND=jax python examples/own_loop.py
"""

import argparse

import keras
import numpy as np

import keras_vat

parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
parser.add_argument("--epochs", type=int, default=5, help="passes over the rows (default: 5)")
parser.add_argument("--epsilon", type=float, default=0.6, help="size of r (default: 0.6)")
arguments = parser.parse_args()

BATCH = 64
(x, y), (x_test, y_test) = keras_vat.data.load("digits")
x, y = x[:1280], y[:1280].astype("int32")
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def make():
    """A classifier with dropout and batch normalisation, a method and an optimizer."""
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, "relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3, seed=1),
            keras.layers.Dense(10),
        ]
    )
    vat = keras_vat.regularizers.VirtualAdversarialTraining(arguments.epsilon, seed=2)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(classifier.trainable_variables)
    return classifier, vat, optimizer


def batches():
    for start in range(0, len(x), BATCH):
        yield x[start : start + BATCH], y[start : start + BATCH]


def tensorflow_loop(classifier, vat, optimizer):
    import tensorflow as tf

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            penalty = vat.penalty(classifier, x, training=True)
            loss = loss_of(y, classifier(x, training=True))
            total = loss + vat.weight * penalty
        gradients = tape.gradient(total, classifier.trainable_variables)
        optimizer.apply_gradients(zip(gradients, classifier.trainable_variables, strict=True))
        return loss, penalty

    for _ in range(arguments.epochs):
        yield np.mean([np.array(step(x, y)) for x, y in batches()], axis=0)


def jax_loop(classifier, vat, optimizer):
    import jax

    trained = classifier.trainable_variables
    state = [*classifier.non_trainable_variables, *vat.variables]  # averages, seeds, epsilon

    def total_loss(weights, values, x, y):
        mapping = list(zip([*trained, *state], [*weights, *values], strict=True))
        with keras.StatelessScope(mapping) as scope:
            penalty = vat.penalty(classifier, x, training=True)
            loss = loss_of(y, classifier(x, training=True))
            total = loss + vat.weight.value * penalty
        return total, (loss, penalty, [scope.get_current_value(one) for one in state])

    @jax.jit
    def step(weights, values, optimizer_values, x, y):
        derive = jax.value_and_grad(total_loss, has_aux=True)
        (_, (loss, penalty, values)), gradients = derive(weights, values, x, y)
        weights, optimizer_values = optimizer.stateless_apply(optimizer_values, gradients, weights)
        return (loss, penalty), weights, values, optimizer_values

    weights, values, optimizer_values = (
        [variable.value for variable in variables]
        for variables in (trained, state, optimizer.variables)
    )
    for _ in range(arguments.epochs):
        seen = []
        for x, y in batches():
            losses, weights, values, optimizer_values = step(
                weights, values, optimizer_values, x, y
            )
            seen.append(losses)
        yield np.mean(seen, axis=0)
    for variable, value in zip([*trained, *state], [*weights, *values], strict=True):
        variable.assign(value)


loop = jax_loop if keras.backend.backend() == "jax" else tensorflow_loop
classifier, vat, optimizer = make()
own = np.array(list(loop(classifier, vat, optimizer)))

other, vat, optimizer = make()
model = keras_vat.VATModel(other, vat)
model.compile(optimizer, loss_of)
logs = model.fit(x, y, BATCH, arguments.epochs, shuffle=False, verbose=0).history

print("epoch  loss: own loop  fit       penalty: own loop  fit")
for epoch, (loss, penalty) in enumerate(own):
    fit_loss, fit_penalty = logs["supervised_loss"][epoch], logs["vat"][epoch]
    print(f"{epoch:5d}  {loss:14.5f}  {fit_loss:.5f}  {penalty:17.5f}  {fit_penalty:.5f}")
for name, trained in (("own loop", classifier), ("fit", other)):
    errors = np.mean(np.argmax(trained.predict(x_test, verbose=0), axis=-1) != y_test)
    print(f"{100 * errors:.1f} % of test errors after {name}")
