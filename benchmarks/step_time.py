"""Seconds per step of every method over plain supervised training, beside the bound.

The steps of all methods are timed in turn, again and again, within one process, so that each ratio
compares neighbours in time. The bound counts forward passes of the network (F), a backward pass to
inputs or to weights being one F: 3 F for supervised training, 8 F for VAT (3 + 2 + 3). Of LVAT's
steps the generator's part is measured apart: an encoding, three decodings and one way back.

    python benchmarks/step_time.py                      # every net: about ten minutes on two cores
    python benchmarks/step_time.py --nets mnist_mlp
"""

import argparse
import time

import keras
import numpy as np
import report
import tensorflow as tf

import keras_vat
from keras_vat import regularizers

# Passes beyond the labelled one (1 forward, 2 back), for a penalty on the labelled batch itself,
# and for one on an unlabelled batch, which also needs a clean pass.
METHODS = {
    "supervised": (0, 0),
    "entropy": (0, 3),
    "rpt": (3, 4),
    "at": (4, None),
    "vat": (5, 6),
    "vat exact": (5, 6),
    "vat finite_difference": (5, 6),
    "vat+entropy": (5, 8),
    "vmt": (3, None),
    "vmt shift": (3, None),
    "fat": (10, 13),
    "lvat-vae": (6, 7),
    "lvat-glow": (6, 7),
}
NETS = {
    "mnist_mlp": (keras_vat.classifiers.mnist_mlp, (28, 28, 1), 256, (64, 256)),
    "conv_small": (lambda: keras_vat.classifiers.conv_small("cifar10"), (32, 32, 3), 32, (32, 128)),
    "conv_large": (keras_vat.classifiers.conv_large, (32, 32, 3), 32, (32, 128)),
}


GENERATORS = {"lvat-vae": keras_vat.generators.VAE, "lvat-glow": keras_vat.generators.Glow}


def make(method, shape):
    name, _, rest = method.partition(" ")
    if name == "supervised":
        return []
    if name == "vat+entropy":
        return [*make("vat", shape), *make("entropy", shape)]
    if name == "entropy":
        return [regularizers.get("entropy")]
    if name == "vmt":
        return [regularizers.get("vmt", **({"fields": rest} if rest else {}))]
    if name in GENERATORS:
        return [regularizers.get("lvat", generator=GENERATORS[name](shape), epsilon=1.0)]
    if name == "fat":
        return [regularizers.get("fat", epsilon=1.0, radius=1.0)]
    return [regularizers.get(name, epsilon=1.0, **({"curvature": rest} if rest else {}))]


def bound(method, labeled, unlabeled):
    own, apart = METHODS[method]
    if unlabeled is None:
        return (3 + own) / 3
    return (3 * labeled + apart * unlabeled) / (3 * labeled)


def batch(shape, labeled, unlabeled):
    random = np.random.default_rng(0)
    x = tf.constant(random.uniform(size=(labeled, *shape)).astype("float32"))
    y = tf.constant(random.integers(0, 10, labeled))
    if unlabeled is None:
        return x, y
    more = tf.constant(random.uniform(size=(unlabeled, *shape)).astype("float32"))
    return keras_vat.SemiSupervisedInputs(x, more), y


def generator_function(generator, x):
    """What a step of LVAT asks of its generator."""

    @tf.function
    def run():
        z = generator.encode(x)
        with tf.GradientTape() as tape:
            tape.watch(z)
            decoded = generator.decode(z)
        moved = tf.nest.map_structure(tf.add, z, tape.gradient(decoded, z))
        once = generator.decode(moved)
        return once, generator.decode(tf.nest.map_structure(lambda part: part + 1.0, moved))

    run()
    return run


def step_function(build, method, data, jit_compile):
    """A step, and of LVAT's the part that the generator has in it."""
    keras.utils.set_random_seed(0)
    part = None
    if method == "supervised":  # plain Keras, on the labelled rows
        model, (x, y) = build(), data
        data = (getattr(x, "labeled", x), y)
    else:
        x = getattr(data[0], "unlabeled", data[0])
        methods = make(method, tuple(x.shape[1:]))
        model = keras_vat.VATModel(build(), methods)
        if method in GENERATORS:
            part = generator_function(methods[0].generator, x)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss, jit_compile=jit_compile)
    model.optimizer.build(model.trainable_variables)
    step = tf.function(model.train_step, jit_compile=jit_compile).get_concrete_function(data)
    flat = tf.nest.flatten(data)
    return lambda: step(*flat), part


def measure(net, methods, semi_supervised, repeats, inner, jit_compile):
    build, shape, supervised_rows, (labeled, unlabeled) = NETS[net]
    if not semi_supervised:
        labeled, unlabeled = supervised_rows, None
    data = batch(shape, labeled, unlabeled)
    methods = [m for m in methods if not (semi_supervised and METHODS[m][1] is None)]
    steps = {method: step_function(build, method, data, jit_compile) for method in methods}
    times, parts = ({method: [] for method in methods} for _ in range(2))
    for repeat in range(repeats + 1):
        for method, (step, part) in steps.items():
            for function, found in ((step, times), (part, parts)):
                start = time.perf_counter()
                for _ in range(inner if function else 0):
                    function()
                if repeat:  # the first round warms up
                    found[method].append((time.perf_counter() - start) / inner)
    rows = []
    for method in methods:
        ratios = np.array(times[method]) / np.array(times["supervised"])
        spread = report.quartiles(ratios)
        limit = bound(method, labeled, unlabeled)
        rows.append(
            {
                "net": net,
                "rows": f"{labeled}" if unlabeled is None else f"{labeled} + {unlabeled}",
                "method": method,
                "ms per step": 1e3 * float(np.median(times[method])),
                "ratio": spread["median"],
                "quartiles": [round(q, 3) for q in spread["quartiles"]],
                "bound": limit,
                "ratio / bound": spread["median"] / limit,
                "generator's share": float(np.median(parts[method]) / np.median(times[method]))
                if method in GENERATORS
                else "",
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--jit_compile", action="store_true")
    parser.add_argument("--name", default="step_time")
    arguments = parser.parse_args()
    rows = []
    for net in arguments.nets:
        for semi_supervised in (False, True):
            inner = 10 if net == "mnist_mlp" else 1
            methods = ["supervised", *(m for m in arguments.methods if m != "supervised")]
            found = measure(
                net, methods, semi_supervised, arguments.repeats, inner, arguments.jit_compile
            )
            print(report.table(found, list(found[0])), flush=True)
            rows += found
    report.save(arguments.name, rows, repeats=arguments.repeats)


if __name__ == "__main__":
    main()
