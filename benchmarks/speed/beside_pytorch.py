"""A step of VAT on Conv-Small beside the same passes in PyTorch.

32 labelled and 32 unlabelled images, float32; PyTorch in both of its layouts of images. The steps
take turns, each in processes of its own.

    python -m benchmarks.speed.beside_pytorch --python pytorch/bin/python

There `pytorch` is an environment with PyTorch alone.
"""

import argparse
import json
import subprocess
import time

import keras
import numpy as np

import keras_vat
from benchmarks import report
from benchmarks.speed.processes import arguments_of, measure_apart
from benchmarks.speed.step_time import batch, compiled_step

ROWS = (32, 32)
OURS = "keras_vat, TensorFlow"


def measure(repeats):
    """Milliseconds of each repeat of our step."""
    keras.utils.set_random_seed(0)
    vat = keras_vat.regularizers.VirtualAdversarialTraining(1.0)
    model = keras_vat.VATModel(keras_vat.classifiers.conv_small("cifar10"), vat)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    step = compiled_step(model, batch((32, 32, 3), *ROWS), jit_compile=False)
    step(), step()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def measure_pytorch(python, repeats):
    command = [python, "-m", "benchmarks.speed.pytorch_step", "--repeats", str(repeats)]
    command += ["--rows", *map(str, ROWS)]
    done = subprocess.run(command, cwd=report.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", help="a Python with PyTorch")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each, in turn")
    parser.add_argument("--repeats", type=int, default=5, help="timed repeats in each process")
    arguments = arguments_of(parser, measure)
    if not arguments.python:
        parser.error("--python is needed: a Python with PyTorch")
    times = {}
    for _ in range(arguments.rounds):
        found = measure_pytorch(arguments.python, arguments.repeats)
        turns = {f"PyTorch, {layout}": one for layout, one in found["ms"].items()}
        turns[OURS] = measure_apart("tensorflow", [arguments.repeats])
        for name, one in turns.items():
            times.setdefault(name, []).append(float(np.median(one)))
    fastest = np.min([of for name, of in times.items() if name != OURS], axis=0)
    rows = [
        {
            "step": name,
            "ms": float(np.median(of)),
            "over PyTorch's faster layout": float(np.median(np.array(of) / fastest)),
            "of each round": [round(float(ratio), 3) for ratio in np.array(of) / fastest],
        }
        for name, of in times.items()
    ]
    print(report.table(rows))
    chosen = {"rounds": arguments.rounds, "repeats": arguments.repeats}
    report.save("beside_pytorch", rows, ["tensorflow"], pytorch=found["PyTorch"], **chosen)


if __name__ == "__main__":
    main()
