"""Seconds per step of every method over plain supervised training, beside the bound.

The steps of all methods are timed in turn, again and again, within one process, so that each ratio
compares neighbours in time. Backends take turns as well, each in processes of its own. The bound
counts forward passes of the network (F), a backward pass to inputs or to weights being one F: 3 F
for supervised training, 8 F for VAT (3 + 2 + 3). LVAT is measured where it is asked for, and its
generator's part in a step apart: an encoding, two decodings and one way back.

    python -m benchmarks.speed.step_time        # every net: about half an hour on two cores
    python -m benchmarks.speed.step_time --nets mnist_mlp
    python -m benchmarks.speed.step_time --backends tensorflow jax --rounds 3
    python -m benchmarks.speed.step_time --nets conv_small --methods lvat-glow --name latent
"""

import argparse
import time
from collections import defaultdict

import keras
import numpy as np
from keras import ops, tree

import keras_vat
from benchmarks import report
from benchmarks.speed.processes import arguments_of, measure_apart
from keras_vat import autodiff, regularizers

# Passes beyond the labelled one (1 forward, 2 back), for a penalty on the labelled batch itself,
# and for one on an unlabelled batch, which also needs a clean pass.
METHODS = {
    "supervised": (0, 0),
    "entropy": (0, 3),
    "rpt": (3, 4),
    "at": (4, None),
    "vat": (5, 6),
    "vat exact": (5, 6),
    "vat logit_difference": (5, 6),
    "vat+entropy": (5, 8),
    "vmt": (3, None),
    "vmt shift": (3, None),
    "fat": (9, 12),
    "lvat-vae": (5, 6),
    "lvat-glow": (5, 6),
}
NETS = {
    "mnist_mlp": (keras_vat.classifiers.mnist_mlp, (28, 28, 1), 256, (64, 256)),
    "conv_small": (lambda: keras_vat.classifiers.conv_small("cifar10"), (32, 32, 3), 32, (32, 128)),
    "conv_large": (keras_vat.classifiers.conv_large, (32, 32, 3), 32, (32, 128)),
}
CALLS = {"mnist_mlp": 10, "conv_small": 1, "conv_large": 1}  # in each timed repeat
GENERATORS = {"lvat-vae": keras_vat.generators.VAE, "lvat-glow": keras_vat.generators.Glow}


def make(method, shape=None):
    """The regularizers of a method; `shape` of the inputs is for the generators."""
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
    x = ops.convert_to_tensor(random.uniform(size=(labeled, *shape)).astype("float32"))
    y = ops.convert_to_tensor(random.integers(0, 10, labeled).astype("int32"))
    if unlabeled is None:
        return x, y
    more = ops.convert_to_tensor(random.uniform(size=(unlabeled, *shape)).astype("float32"))
    return keras_vat.SemiSupervisedInputs(x, more), y


def on_jax():
    return keras.backend.backend() == "jax"


def generator_function(generator, x):
    """What a step of LVAT asks of its generator."""

    def part(x):
        z = generator.encode(x)
        parts = tree.flatten(z)
        slopes = autodiff.gradient(lambda parts: generator.decode(packed(parts, z)), parts)
        moved = [here + slope for here, slope in zip(parts, slopes, strict=True)]
        return generator.decode(packed(moved, z))

    def packed(parts, like):
        return tree.pack_sequence_as(like, parts)

    if on_jax():
        import jax

        compiled = jax.jit(part)
        return lambda: jax.block_until_ready(compiled(x))

    import tensorflow as tf

    compiled = tf.function(part)
    return lambda: compiled(x)


def compiled_step(model, data, jit_compile):
    """A training step as a function of no arguments that returns when it is done."""
    if on_jax():
        import jax

        step = jax.jit(model.train_step, donate_argnums=0)
        kinds = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        state = [[ops.copy(variable.value) for variable in variables] for variables in kinds]

        def run():
            nonlocal state
            _, state = jax.block_until_ready(step(state, data))

        return run

    import tensorflow as tf

    step = tf.function(model.train_step, jit_compile=jit_compile).get_concrete_function(data)
    flat = tree.flatten(data)
    return lambda: step(*flat)


def milliseconds(step, repeats, calls=1, before=1):
    """Of a step, in each repeat; the repeats `before` these compile and warm up."""
    found = []
    for _ in range(before + repeats):
        start = time.perf_counter()
        for _ in range(calls):
            step()
        found.append(1e3 * (time.perf_counter() - start) / calls)
    return found[before:]


def beside(times, other, over):
    """A row for each step, from the milliseconds of its rounds and those of another; `over` it."""
    return [
        {
            "step": name,
            "ms": float(np.median(found)),
            over: float(np.median(np.divide(found, other))),
            "of each round": [round(float(ratio), 3) for ratio in np.divide(found, other)],
        }
        for name, found in times.items()
    ]


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
    return compiled_step(model, data, jit_compile), part


def sizes(net, semi_supervised):
    """Labelled and unlabelled rows of a batch."""
    _, _, supervised_rows, both = NETS[net]
    return both if semi_supervised else (supervised_rows, None)


def measure(net, methods, semi_supervised, repeats, jit_compile):
    """Seconds of every method's steps, and of the generator's part in them, on this backend."""
    build, shape, *_ = NETS[net]
    data = batch(shape, *sizes(net, semi_supervised))
    steps = {method: step_function(build, method, data, jit_compile) for method in methods}
    times, parts = ({method: [] for method in methods} for _ in range(2))
    for repeat in range(repeats + 1):
        for method, (step, part) in steps.items():
            for function, found in ((step, times), (part, parts)):
                start = time.perf_counter()
                for _ in range(CALLS[net] if function else 0):
                    function()
                if repeat:  # the first round warms up
                    found[method].append((time.perf_counter() - start) / CALLS[net])
    return {"times": times, "parts": parts}


def table_rows(net, semi_supervised, method, found):
    """A row for each backend, from all its rounds."""
    labeled, unlabeled = sizes(net, semi_supervised)
    limit = bound(method, labeled, unlabeled)
    for backend, (times, parts) in found.items():
        spread = report.quartiles(np.array(times[method]) / np.array(times["supervised"]))
        row = {
            "net": net,
            "rows": f"{labeled}" if unlabeled is None else f"{labeled} + {unlabeled}",
            "method": method,
            "backend": report.BACKENDS[backend],
            "ms per step": 1e3 * float(np.median(times[method])),
            "ratio": spread["median"],
            "quartiles": [round(q, 3) for q in spread["quartiles"]],
            "bound": limit,
            "ratio / bound": spread["median"] / limit,
        }
        if method in GENERATORS:
            row["generator's share"] = float(np.median(parts[method]) / np.median(times[method]))
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    default = [method for method in METHODS if method not in GENERATORS]
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=default)
    parser.add_argument(
        "--backends", nargs="+", choices=report.BACKENDS, default=[keras.backend.backend()]
    )
    parser.add_argument("--rounds", type=int, default=1, help="processes of each backend")
    parser.add_argument("--repeats", type=int, default=9, help="timed repeats in each process")
    parser.add_argument("--jit_compile", action="store_true", help="on TensorFlow: by XLA")
    parser.add_argument("--name", default="step_time")
    arguments = arguments_of(parser, measure)
    chosen = ["supervised", *(m for m in arguments.methods if m != "supervised")]
    rows = []
    for net in arguments.nets:
        for semi_supervised in (False, True):
            methods = [m for m in chosen if not (semi_supervised and METHODS[m][1] is None)]
            job = [net, methods, semi_supervised, arguments.repeats, arguments.jit_compile]
            found = {name: (defaultdict(list), defaultdict(list)) for name in arguments.backends}
            for _ in range(arguments.rounds):
                for backend, kept in found.items():
                    for new, old in zip(
                        measure_apart(backend, job).values(),
                        kept,
                        strict=True,
                    ):
                        for method, values in new.items():
                            old[method] += values
            new_rows = [row for m in methods for row in table_rows(net, semi_supervised, m, found)]
            print(report.table(new_rows), flush=True)
            rows += new_rows
    report.save(
        arguments.name,
        rows,
        arguments.backends,
        rounds=arguments.rounds,
        repeats=arguments.repeats,
    )


if __name__ == "__main__":
    main()
