"""A step of VAT in `mixed_bfloat16` over one in float32, on both backends, for two nets.

What a processor multiplies bfloat16 with decides: on Linux the table names what it has of AMX and
AVX-512. The steps take turns, each in processes of its own.

    python -m benchmarks.speed.half_precision        # ten minutes on two cores
"""

import argparse
import pathlib

import keras
import numpy as np

from benchmarks import report
from benchmarks.speed.processes import arguments_of, measure_apart
from benchmarks.speed.step_time import CALLS, NETS, batch, milliseconds, step_function

ROWS = {"mnist_mlp": (64, 256), "conv_small": (32, 32), "conv_large": (32, 32)}
POLICIES = ("float32", "mixed_bfloat16")
FLAGS = ("avx512_bf16", "amx_bf16")


def measure(net, policy, repeats):
    """Milliseconds of a step, of each repeat."""
    keras.config.set_dtype_policy(policy)
    build, shape, *_ = NETS[net]
    step, _ = step_function(build, "vat", batch(shape, *ROWS[net]), jit_compile=False)
    return milliseconds(step, repeats, CALLS[net])


def bfloat16_of_processor():
    """What a processor has for bfloat16; `None` where nothing says so."""
    path = pathlib.Path("/proc/cpuinfo")
    words = path.read_text().split() if path.exists() else None
    return words and [flag for flag in FLAGS if flag in words]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=ROWS, default=["mnist_mlp", "conv_small"])
    parser.add_argument(
        "--backends", nargs="+", choices=report.BACKENDS, default=list(report.BACKENDS)
    )
    parser.add_argument("--rounds", type=int, default=3, help="processes of each step, in turn")
    parser.add_argument("--repeats", type=int, default=5, help="timed repeats in each process")
    arguments = arguments_of(parser, measure)
    has = bfloat16_of_processor()
    rows = []
    for net in arguments.nets:
        for backend in arguments.backends:
            times = {policy: [] for policy in POLICIES}
            for _ in range(arguments.rounds):
                for policy, found in times.items():
                    job = [net, policy, arguments.repeats]
                    found.append(float(np.median(measure_apart(backend, job))))
            ratios = np.divide(times["mixed_bfloat16"], times["float32"])
            rows.append(
                {
                    "net": net,
                    "rows": "{} + {}".format(*ROWS[net]),
                    "backend": report.BACKENDS[backend],
                    "float32, ms": float(np.median(times["float32"])),
                    "mixed_bfloat16, ms": float(np.median(times["mixed_bfloat16"])),
                    "ratio": float(np.median(ratios)),
                    "of each round": [round(float(ratio), 3) for ratio in ratios],
                    "the processor's": ", ".join(has) or "neither" if has is not None else "",
                }
            )
            print(rows[-1], flush=True)
    print(report.table(rows))
    chosen = {"rounds": arguments.rounds, "repeats": arguments.repeats}
    report.save("half_precision", rows, arguments.backends, **chosen)


if __name__ == "__main__":
    main()
