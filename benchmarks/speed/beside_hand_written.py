"""A step of VAT beside one written by hand for this net alone, in plain `jax.numpy`.

MNIST's perceptron with batch normalisation and noise, Adam, 64 labelled and 256 unlabelled rows,
the same passes: labelled, clean, one power iteration by a finite difference, perturbed. The steps
take turns, each in processes of its own. Three of them show what XLA does on TensorFlow: with the
update of the weights alone, with the whole step, and with the whole step where Keras's layers draw
their noise by a named algorithm.

    python -m benchmarks.speed.beside_hand_written        # four minutes on two cores
"""

import argparse

import keras
import numpy as np

import keras_vat
from benchmarks import report
from benchmarks.speed.compiled_adam import CompiledAdam
from benchmarks.speed.processes import arguments_of, measure_apart
from benchmarks.speed.step_time import batch, beside, compiled_step, milliseconds

UNITS = (784, 1200, 600, 300, 150, 10)
NOISE, EPSILON, RATE, MOMENTUM = 0.5, 1.0, 1e-3, 0.99
ROWS = (64, 256)
CALLS = 20


def hand_written():
    """The step as a function of no arguments that returns when it is done."""
    import jax
    from jax import numpy as jnp

    (x, y) = batch((28, 28, 1), *ROWS)
    labeled, unlabeled = (part.reshape(len(part), -1) for part in x)
    keys = jax.random.split(jax.random.key(0), len(UNITS))
    shapes = list(zip(UNITS, UNITS[1:], strict=False))
    weights = [
        {"w": jax.random.normal(key, shape) * (2 / shape[0]) ** 0.5, "b": jnp.zeros(shape[1])}
        for key, shape in zip(keys, shapes, strict=False)
    ]
    for layer in weights[:-1]:
        layer["scale"] = jnp.ones_like(layer["b"])
    averages = [(jnp.zeros(units), jnp.ones(units)) for units in UNITS[1:-1]]
    moments = [jax.tree.map(jnp.zeros_like, weights) for _ in range(2)]

    def logits(weights, x, key):
        statistics = []
        for layer, one in zip(weights[:-1], jax.random.split(key, len(weights)), strict=False):
            x = x @ layer["w"]
            mean, variance = x.mean(0), x.var(0)
            statistics.append((mean, variance))
            x = (x - mean) * jax.lax.rsqrt(variance + 1e-3) * layer["scale"] + layer["b"]
            x = jax.nn.relu(x)
            x = x + NOISE * jax.random.normal(one, x.shape)
        return x @ weights[-1]["w"] + weights[-1]["b"], statistics

    def divergence(target, other):
        p, q = jax.nn.log_softmax(target), jax.nn.log_softmax(other)
        return jnp.mean(jnp.sum(jnp.exp(p) * (p - q), -1))

    def unit(r):
        return r / jnp.linalg.norm(r, axis=-1, keepdims=True)

    @jax.jit
    def step(state):
        weights, averages, (first, second), count, key = state
        key, direction, noise, other = jax.random.split(key, 4)
        target, statistics = logits(weights, unlabeled, noise)
        target = jax.lax.stop_gradient(target)
        d = EPSILON * unit(jax.random.normal(direction, unlabeled.shape))
        slope = jax.grad(lambda r: divergence(target, logits(weights, unlabeled + r, noise)[0]))(d)
        r = EPSILON * unit(slope)

        def loss(weights):
            found, _ = logits(weights, labeled, other)
            rows = jax.nn.log_softmax(found)[jnp.arange(len(y)), y]
            moved, _ = logits(weights, unlabeled + r, noise)
            return divergence(target, moved) - jnp.mean(rows)

        total, gradient = jax.value_and_grad(loss)(weights)
        averages = jax.tree.map(
            lambda a, s: MOMENTUM * a + (1 - MOMENTUM) * s, averages, statistics
        )
        count += 1
        first = jax.tree.map(lambda m, g: m + 0.1 * (g - m), first, gradient)
        second = jax.tree.map(lambda m, g: m + 0.001 * (g * g - m), second, gradient)
        size = RATE * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = jax.tree.map(
            lambda w, m, v: w - size * m / (jnp.sqrt(v) + 1e-7), weights, first, second
        )
        return total, (weights, averages, [first, second], count, key)

    state = (weights, averages, moments, 0.0, jax.random.key(1))

    def run():
        nonlocal state
        _, state = jax.block_until_ready(step(state))

    return run


def ours(jit_compile=False, optimizer=keras.optimizers.Adam):
    """The step of a `VATModel`, on the backend of this process."""
    keras.utils.set_random_seed(0)
    vat = keras_vat.regularizers.VirtualAdversarialTraining(EPSILON)
    model = keras_vat.VATModel(keras_vat.classifiers.mnist_mlp(noise=NOISE), vat)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(RATE), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return compiled_step(model, batch((28, 28, 1), *ROWS), jit_compile)


def with_named_noise():
    """With XLA, and Philox named to it for all noise."""
    import tensorflow as tf

    normal = tf.random.stateless_normal
    tf.random.stateless_normal = lambda *args, **more: normal(*args, **{**more, "alg": "philox"})
    return ours(jit_compile=True)


STEPS = {
    "by hand, JAX": ("jax", hand_written),
    "keras_vat, JAX": ("jax", ours),
    "keras_vat, TensorFlow": ("tensorflow", ours),
    "the same, the update by XLA": ("tensorflow", lambda: ours(optimizer=CompiledAdam)),
    "the same, all by XLA": ("tensorflow", lambda: ours(jit_compile=True)),
    "the same, all by XLA, noise by Philox": ("tensorflow", with_named_noise),
}


def measure(name, repeats):
    """Milliseconds of a step, of each repeat."""
    return milliseconds(STEPS[name][1](), repeats, CALLS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="processes of each step, in turn")
    parser.add_argument("--repeats", type=int, default=9, help="timed repeats in each process")
    arguments = arguments_of(parser, measure)
    times = {name: [] for name in STEPS}
    for _ in range(arguments.rounds):
        for name, found in times.items():
            found.append(
                float(
                    np.median(
                        measure_apart(
                            STEPS[name][0],
                            [name, arguments.repeats],
                        )
                    )
                )
            )
    rows = beside(times, times["by hand, JAX"], "over the one by hand")
    print(report.table(rows))
    chosen = {"rounds": arguments.rounds, "repeats": arguments.repeats}
    report.save("beside_hand_written", rows, ["tensorflow", "jax"], **chosen)


if __name__ == "__main__":
    main()
