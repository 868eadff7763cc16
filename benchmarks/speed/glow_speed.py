"""The speed of `generators.Glow` beside TensorFlow Probability's `bijectors.Glow` of equal size.

Timed in turn, again and again, within one process, so that ratios compare neighbours in time:

- latent step: encode, decode and the gradient of the result to z, what a latent perturbation needs;
- training step: gradient of the log-density to all weights and an Adam update;
- first calls: tracing and the first run of each.

The row "convolutions" is the bound: the same number of the same convolutions of the coupling
networks, one after the other, and nothing else. TensorFlow Probability's flow has no convolutions
where channels leave it, as ours has none.

    python -m benchmarks.speed.glow_speed          # the paper's size: five minutes on two cores
    python -m benchmarks.speed.glow_speed --quick  # 3 levels x 4 steps, width 32: a minute
"""

import argparse
import functools
import time

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from benchmarks import report
from keras_vat.generators import Glow

SHAPE, LEVELS, ROWS = (32, 32, 3), 3, 16


def latent_step(encode, decode):
    def step(x):
        z = tf.nest.map_structure(tf.stop_gradient, encode(x))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            value = tf.reduce_sum(tf.square(decode(z)))
        return tape.gradient(value, z)

    return step


def training_step(loss, variables, apply_gradients):
    def step(x):
        with tf.GradientTape() as tape:
            value = loss(x)
        apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    return step


def ours(steps, width, x, frozen, dtype="float32"):
    flow = Glow(SHAPE, LEVELS, steps, width, seed=0, dtype=dtype)
    flow.compile(keras.optimizers.Adam(1e-4))
    flow.initialize(x)
    flow.optimizer.build(flow.trainable_variables)
    if frozen:
        flow.freeze()
        return {"latent": latent_step(flow.encode, flow.decode)}
    return {
        "latent": latent_step(flow.encode, flow.decode),
        "training": lambda x: flow.train_step((x,)),
    }


def probability(steps, width, x):
    flow = tfp.bijectors.Glow(
        SHAPE,
        LEVELS,
        steps,
        functools.partial(tfp.bijectors.GlowDefaultNetwork, num_hidden=width),
        lambda shape, output_chan: lambda inputs: tfp.bijectors.Identity(),
        seed=0,
    )
    flow.inverse(x)  # sets its activation normalization
    optimizer = tf_keras.optimizers.Adam(1e-4)
    optimizer.build(flow.trainable_variables)
    prior = tfp.distributions.Sample(tfp.distributions.Normal(0.0, 1.0), int(np.prod(SHAPE)))
    density = tfp.distributions.TransformedDistribution(prior, flow)
    # Caches of the bijector would hand x back instead of decoding z.
    decode = lambda z: flow.forward(tf.identity(z))  # noqa: E731
    return {
        "latent": latent_step(flow.inverse, decode),
        "training": training_step(
            lambda x: -tf.reduce_mean(density.log_prob(x)),
            flow.trainable_variables,
            optimizer.apply_gradients,
        ),
    }


def convolutions(steps, width, _):
    """The coupling networks' kernels alone, one after the other, at every level."""
    random = np.random.default_rng(0)
    levels = []
    for index in range(LEVELS):
        size, channels = SHAPE[0] // 2 ** (index + 1), 4 * SHAPE[2] * 2**index
        shapes = ((3, 3, channels // 2, width), (1, 1, width, width), (3, 3, width, channels))
        kernels = [
            [tf.Variable(random.normal(size=s, scale=0.05).astype("float32")) for s in shapes]
            for _ in range(steps)
        ]
        levels.append(((ROWS, size, size, channels // 2), kernels))

    def run(inputs):
        outputs = []
        for h, (shape, kernels) in zip(inputs, levels, strict=True):
            if outputs:  # as in a flow, no level begins before the one before it is done
                h += 1e-30 * tf.reduce_mean(outputs[-1])
            for kernel in kernels:
                h = h[..., : shape[-1]]
                for weight in kernel:
                    h = tf.nn.conv2d(h, weight, 1, "SAME")
            outputs.append(h)
        return outputs

    def inputs(x):
        return [tf.random.normal(shape) + x[0, 0, 0, 0] for shape, _ in levels]

    def encode(x):
        return [h[..., : shape[-1]] for h, (shape, _) in zip(run(inputs(x)), levels, strict=True)]

    def decode(z):
        return tf.concat([tf.reshape(h, [-1]) for h in run(z)], 0)

    return {
        "latent": latent_step(encode, decode),
        "training": training_step(
            lambda x: tf.add_n([tf.reduce_sum(tf.square(h)) for h in run(inputs(x))]),
            tf.nest.flatten([kernels for _, kernels in levels]),
            lambda pairs: [weight.assign_sub(0.0 * gradient) for gradient, weight in pairs],
        ),
    }


def first_call(step, x):
    start = time.perf_counter()
    step = tf.function(step, autograph=False).get_concrete_function(x)
    tf.nest.map_structure(np.asarray, step(x))
    return step, time.perf_counter() - start


def timed(step, x):
    start = time.perf_counter()
    tf.nest.map_structure(np.asarray, step(x))
    return time.perf_counter() - start


def measure(steps, width, repeats):
    x = tf.constant(np.random.default_rng(0).uniform(size=(ROWS, *SHAPE)).astype("float32"))
    implementations = {
        "tfp.bijectors.Glow": probability,
        "Glow": functools.partial(ours, frozen=False),
        "Glow, frozen": functools.partial(ours, frozen=True),
        "Glow, frozen, bfloat16": functools.partial(ours, frozen=True, dtype="mixed_bfloat16"),
        "convolutions": convolutions,
    }
    made, first, times = {}, {}, {}
    for name, make in implementations.items():
        for kind, step in make(steps, width, x).items():
            made[kind, name], first[kind, name] = first_call(step, x)
            times[kind, name] = []
    for _ in range(repeats):
        for key, step in made.items():
            times[key].append(timed(step, x))
    rows = []
    for kind, name in sorted(made, key=lambda key: key[0]):
        seconds = np.array(times[kind, name])
        against = report.quartiles(np.array(times[kind, "tfp.bijectors.Glow"]) / seconds)
        rows.append(
            {
                "step": kind,
                "flow": name,
                "ms": 1e3 * float(np.median(seconds)),
                "times as fast as TFP": against["median"],
                "quartiles": [round(q, 2) for q in against["quartiles"]],
                "over the convolutions": float(
                    np.median(seconds / np.array(times[kind, "convolutions"]))
                ),
                "first call, s": first[kind, name],
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--name", default="glow_speed")
    arguments = parser.parse_args()
    steps, width = (4, 32) if arguments.quick else (22, 128)
    rows = measure(steps, width, arguments.repeats)
    print(report.table(rows))
    name = f"{arguments.name}_quick" if arguments.quick else arguments.name
    size = {"shape": SHAPE, "levels": LEVELS, "steps": steps, "width": width, "rows": ROWS}
    report.save(name, rows, repeats=arguments.repeats, size=size)


if __name__ == "__main__":
    main()
