"""XLA and `steps_per_execution`: what they do to the time of a step, for every method and net.

Steps with and without `jit_compile` are timed in turn within one process, with the time that the
first one takes; beside them what Keras makes of `jit_compile="auto"` on this machine, and after
how many steps XLA has paid for its compilation, of which every shape of a batch needs one. Then
`fit` with several steps per execution, on a small perceptron, where calls cost most, and on
mnist_mlp.

    python -m benchmarks.speed.compilation          # about ten minutes on two cores
    python -m benchmarks.speed.compilation --nets mnist_mlp
"""

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

import keras_vat
from benchmarks import report
from benchmarks.speed import step_time
from keras_vat import regularizers

METHODS = ("supervised", "entropy", "rpt", "at", "vat", "vmt", "fat", "lvat-vae")
EXECUTIONS = (1, 5, 20)
UPDATES = 200


def small_perceptron():
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(16, "relu"), layers.Dense(10)]
    )


def seconds(function, calls):
    """Of one call, out of several."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def seconds_of_fit(model, data, **settings):
    """From the first step to the last, without tf.data's thread, for whose sleep the end waits."""
    moments = []
    watch = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: moments.append(time.perf_counter()),
        on_train_end=lambda logs: moments.append(time.perf_counter()),
    )
    model.fit(data, callbacks=[watch], **settings)
    return moments[1] - moments[0]


def compare(net, method, repeats):
    """A step with and without XLA."""
    build, shape, *_ = step_time.NETS[net]
    data = step_time.batch(shape, *step_time.sizes(net, semi_supervised=False))
    steps, first = {}, {}
    for xla in (False, True):
        start = time.perf_counter()
        steps[xla], _ = step_time.step_function(build, method, data, xla)
        steps[xla]()
        first[xla] = time.perf_counter() - start
    calls = step_time.CALLS[net]
    _, *rounds = [  # the first one warms up
        {xla: seconds(step, calls) for xla, step in steps.items()} for _ in range(repeats + 1)
    ]
    ratio = report.quartiles([taken[True] / taken[False] for taken in rounds])
    step = float(np.median([taken[False] for taken in rounds]))
    gain = step * (1 - ratio["median"])
    return {
        "net": net,
        "method": method,
        "ms per step": 1e3 * step,
        "with XLA, over without": ratio["median"],
        "quartiles": [round(q, 3) for q in ratio["quartiles"]],
        "first step, s": first[False],
        "first step with XLA, s": first[True],
        '"auto" takes XLA': automatic(build()),
        "faster": "XLA" if gain > 0 else "no XLA",
        "steps until XLA pays": round((first[True] - first[False]) / gain) if gain > 0 else "",
    }


def automatic(classifier):
    model = keras_vat.VATModel(classifier, regularizers.get("vat", epsilon=1.0))
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile="auto")
    return bool(model.jit_compile)


def executions(name, build, repeats):
    """`fit` with several steps for each call of the compiled function."""
    x, y = step_time.batch((28, 28, 1), 64 * UPDATES // 10, None)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(64, drop_remainder=True).repeat()
    models = {}
    for count in EXECUTIONS:
        model = models[count] = keras_vat.VATModel(build(), regularizers.get("vat", epsilon=1.0))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, steps_per_execution=count)
    settings = {"steps_per_epoch": UPDATES, "verbose": 0, "shuffle": False}
    _, *rounds = [  # the first one traces
        {count: seconds_of_fit(m, data, **settings) for count, m in models.items()}
        for _ in range(repeats + 1)
    ]
    for count in EXECUTIONS:
        ratio = report.quartiles([taken[count] / taken[1] for taken in rounds])
        yield {
            "net": name,
            "steps per execution": count,
            "ms per step": 1e3 * float(np.median([t[count] for t in rounds])) / UPDATES,
            "over one": ratio["median"],
            "quartiles": [round(q, 3) for q in ratio["quartiles"]],
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=step_time.NETS, default=list(step_time.NETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    rows = []
    for net in arguments.nets:
        for method in arguments.methods:
            rows.append(compare(net, method, arguments.repeats))
            print(report.table(rows[-1:]), flush=True)
    report.save("compilation", rows, repeats=arguments.repeats)
    rows = [
        row
        for name, build in (
            ("784-16-10", small_perceptron),
            ("mnist_mlp", keras_vat.classifiers.mnist_mlp),
        )
        for row in executions(name, build, arguments.repeats)
    ]
    print(report.table(rows))
    report.save("steps_per_execution", rows, repeats=arguments.repeats)


if __name__ == "__main__":
    main()
