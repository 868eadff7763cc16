"""Peak memory of a training step of every method on conv_large, over that of supervised training.

Each method runs in a fresh process: the peak resident size after a few steps, less the resident
size of the same process once the model is built and before the first step.

    python -m benchmarks.speed.memory        # about three minutes on two cores
"""

import argparse
import json
import resource
import subprocess
import sys

import keras

import keras_vat
from benchmarks import report
from benchmarks.speed import step_time

METHODS = ("supervised", "entropy", "rpt", "at", "vat", "vat exact", "vat logit_difference")


def resident():
    """Current resident size in bytes."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def child(method, rows):
    model = keras_vat.VATModel(keras_vat.classifiers.conv_large(), step_time.make(method))
    model.compile(
        keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.optimizer.build(model.trainable_variables)
    x, y = step_time.batch((32, 32, 3), rows, None)
    before = resident()
    for _ in range(3):
        model.train_on_batch(x, y)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"before": before, "peak": peak}))


def measure(method, rows):
    command = [sys.executable, "-m", "benchmarks.speed.memory", "--child", method]
    command += ["--rows", str(rows)]
    done = subprocess.run(command, cwd=report.ROOT, capture_output=True, text=True, check=True)
    sizes = json.loads(done.stdout.splitlines()[-1])
    return (sizes["peak"] - sizes["before"]) / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", choices=METHODS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.rows)
        return

    sizes = {}
    for method in METHODS:
        runs = [measure(method, arguments.rows) for _ in range(arguments.repeats)]
        sizes[method] = report.quartiles(runs)
    rows = [
        {
            "net": "conv_large",
            "rows": arguments.rows,
            "method": method,
            "MiB above the built model": found["median"],
            "quartiles": [round(size) for size in found["quartiles"]],
            "over supervised": found["median"] / sizes["supervised"]["median"],
        }
        for method, found in sizes.items()
    ]
    print(report.table(rows))
    report.save("memory", rows)


if __name__ == "__main__":
    main()
