"""Steps of every method on an accelerator, beside what it can do at most and a step by hand.

On JAX, without TensorFlow, in the time of one short loan: rows are printed and saved as they are
measured, those of VAT first, and nothing new begins after `--seconds`.

    python -m benchmarks.speed.accelerator --peaks 67 494 989       # TFLOP/s of an H100
    python -m benchmarks.speed.accelerator --net mnist_mlp --repeats 1 --seconds 60    # a trial

Operations are those of the passes that a method asks for (`step_time.py`), as XLA counts them in a
forward pass; normalisation, activations and the optimizer are left out.
"""

import argparse
import time

import keras
import numpy as np

import keras_vat
from benchmarks import report
from benchmarks.speed import beside_hand_written
from benchmarks.speed.step_time import (
    METHODS,
    NETS,
    batch,
    milliseconds,
    on_jax,
    sizes,
    step_function,
)

# Keras's policy, and how JAX multiplies float32: in full, or by tensor cores with 10 bits.
PRECISIONS = {
    "float32": ("float32", "float32"),
    "tf32": ("float32", "tensorfloat32"),
    "bfloat16": ("mixed_bfloat16", "tensorfloat32"),
}
FIRST = ("supervised", "vat", "entropy", "rpt", "vat+entropy", "fat")
APART = ("at", "vmt")  # of the labelled rows


def forward_operations(net):
    """What a row takes in one forward pass."""
    import jax

    build, shape, *_ = NETS[net]
    classifier = build()
    state = [
        [v.value for v in part]
        for part in (classifier.trainable_variables, classifier.non_trainable_variables)
    ]
    rows = 8
    x = np.zeros((rows, *shape), "float32")

    def forward(state, x):
        return classifier.stateless_call(*state, x, training=False)[0]

    return jax.jit(forward).lower(state, x).compile().cost_analysis()["flops"] / rows


def passes(method, labeled, unlabeled):
    """Rows of a step times the passes of each; plain training sees the labelled ones alone."""
    own, apart = METHODS[method]
    if unlabeled is None:
        return (3 + own) * labeled
    return 3 * labeled + apart * unlabeled


def row_of(net, method, precision, repeats, peak, operations):
    """Trains some steps of a method in a precision."""
    import jax

    policy, multiplied = PRECISIONS[precision]
    build, shape, *_ = NETS[net]
    labeled, unlabeled = sizes(net, method not in APART)
    if method == "supervised":
        labeled, unlabeled = sizes(net, True)[0], None
    keras.config.set_dtype_policy(policy)
    try:
        with jax.default_matmul_precision(multiplied):
            data = batch(shape, labeled, unlabeled)
            step, _ = step_function(build, method, data, jit_compile=True)
            middle = float(np.median(milliseconds(step, repeats, before=2)))
    finally:
        keras.config.set_dtype_policy("float32")
    done = passes(method, labeled, unlabeled) * operations / (1e-3 * middle)
    return {
        "net": net,
        "method": method,
        "rows": f"{labeled}" if unlabeled is None else f"{labeled} + {unlabeled}",
        "precision": precision,
        "ms per step": middle,
        "TFLOP/s": done / 1e12,
        "share of the peak": done / 1e12 / peak if peak else "",
    }


def by_hand(repeats):
    """VAT on the perceptron: our step beside the one that is written by hand."""
    steps = {"by hand": beside_hand_written.hand_written(), "keras_vat": beside_hand_written.ours()}
    for name, step in steps.items():
        middle = float(np.median(milliseconds(step, 10 * repeats, before=2)))
        yield {
            "net": f"mnist_mlp, {name}",
            "method": "vat",
            "rows": "64 + 256",
            "precision": "as JAX has it",
            "ms per step": middle,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=NETS, default="conv_large", help="default: conv_large")
    parser.add_argument("--repeats", type=int, default=20, help="steps that are timed; default: 20")
    parser.add_argument(
        "--peaks",
        type=float,
        nargs=3,
        metavar="TFLOPS",
        default=[0, 0, 0],
        help="what the accelerator does at most in float32, TF32 and bfloat16; default: unknown",
    )
    parser.add_argument(
        "--seconds", type=float, default=480, help="nothing new begins after these; default: 480"
    )
    arguments = parser.parse_args()
    if not on_jax():
        parser.error("needs KERAS_BACKEND=jax")
    end = time.monotonic() + arguments.seconds
    operations = forward_operations(arguments.net)
    peaks = dict(zip(PRECISIONS, arguments.peaks, strict=True))
    jobs = [(method, precision) for method in (*FIRST, *APART) for precision in PRECISIONS]
    rows = list(by_hand(arguments.repeats))
    print(report.table(rows), flush=True)
    for method, precision in jobs:
        if time.monotonic() > end:
            print(f"Out of time before {method} in {precision}", flush=True)
            break
        rows.append(
            row_of(
                arguments.net, method, precision, arguments.repeats, peaks[precision], operations
            )
        )
        print(rows[-1], flush=True)
        devices = keras.distribution.list_devices()
        report.save("accelerator", rows, devices=devices, version=keras_vat.__version__)


if __name__ == "__main__":
    main()
