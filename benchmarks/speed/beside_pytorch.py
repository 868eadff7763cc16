"""A step of VAT on Conv-Small beside the same passes in PyTorch.

32 labelled and 32 unlabelled images, float32; PyTorch in both of its layouts of images. The steps
take turns, each in processes of its own.

    python -m benchmarks.speed.beside_pytorch --python pytorch/bin/python

There `pytorch` is an environment with PyTorch alone.
"""

import argparse
import json
import subprocess

import numpy as np

from benchmarks import report
from benchmarks.speed.processes import arguments_of, measure_apart
from benchmarks.speed.step_time import NETS, batch, beside, milliseconds, step_function

ROWS = (32, 32)
OURS = "keras_vat, TensorFlow"


def measure(repeats):
    """Milliseconds of each repeat of our step."""
    build, shape, *_ = NETS["conv_small"]
    step, _ = step_function(build, "vat", batch(shape, *ROWS), jit_compile=False)
    return milliseconds(step, repeats, before=2)


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
    rows = beside(times, fastest, "over PyTorch's faster layout")
    print(report.table(rows))
    chosen = {"rounds": arguments.rounds, "repeats": arguments.repeats}
    report.save("beside_pytorch", rows, ["tensorflow"], pytorch=found["PyTorch"], **chosen)


if __name__ == "__main__":
    main()
