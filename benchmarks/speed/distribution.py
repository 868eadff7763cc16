"""What the strategies of `tf.distribute` cost at equal global batch, and what they move.

Milliseconds per step of `fit` on the MNIST perceptron, supervised and by VAT, on one machine: its
cores are shared by the replicas, so nothing can become faster, and what is longer is overhead.
An operation runs on one thread. Every setting runs in fresh processes; the settings take turns.

Then a model on paper, for conv_large on machines that this one is not: a step reduces the
gradients and the moving averages, in a ring 2 (N - 1) / N times their bytes through every link;
VAT reduces the same bytes as supervised training, but computes 2.67 times as much on the same rows.

    python -m benchmarks.speed.distribution            # about three minutes on two cores
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import tensorflow as tf

import keras_vat
from benchmarks import report
from benchmarks.speed import step_time

SETTINGS = {  # strategy, replicas on a machine, processes
    "no strategy": ("none", 1, 1),
    "MirroredStrategy, 1 device": ("mirrored", 1, 1),
    "MirroredStrategy, 2 devices": ("mirrored", 2, 1),
    "MultiWorkerMirroredStrategy, 2 processes": ("workers", 1, 2),
}
METHODS = ("supervised", "vat")
LINKS = {"1 Gbit/s": 1e9 / 8, "10 Gbit/s": 1e10 / 8, "100 Gbit/s": 1e11 / 8}
EFFECTIVE_FLOPS = 2e13  # an accelerator of 2 x 10^13 operations per second in fact


def child(kind, devices, method, batch_size, steps):
    """Trains in this process and prints the milliseconds of each step after the first ones."""
    if kind == "workers":
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif kind == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(cpu, parts)
        strategy = tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(devices)])
    else:
        strategy = tf.distribute.get_strategy()

    class Clock(keras.callbacks.Callback):
        times = []

        def on_train_batch_begin(self, batch, logs=None):
            self.start = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            self.times.append(1e3 * (time.perf_counter() - self.start))

    rng = np.random.default_rng(0)
    x = rng.uniform(size=(batch_size, 28, 28, 1)).astype("float32")
    data = tf.data.Dataset.from_tensors((x, rng.integers(0, 10, batch_size))).repeat(steps)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        model = keras_vat.VATModel(keras_vat.classifiers.mnist_mlp(), step_time.make(method))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-4), loss, jit_compile=False)
    model.fit(data, callbacks=[Clock()], verbose=0, shuffle=False)
    print(json.dumps(Clock.times[5:]))


def measure(setting, method, batch_size, steps):
    """Milliseconds of the steps, of the first process."""
    kind, devices, workers = SETTINGS[setting]
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    command = [sys.executable, "-m", "benchmarks.speed.distribution", "--child", kind]
    command += ["--devices", str(devices), "--methods", method]
    command += ["--batch_size", str(batch_size), "--steps", str(steps)]
    processes = []
    for index in range(workers):
        environment = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_NUM_INTRAOP_THREADS": "1",
        }
        if workers > 1:
            task = {"type": "worker", "index": index}
            environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        processes.append(
            subprocess.Popen(
                command, cwd=report.ROOT, env=environment, stdout=subprocess.PIPE, text=True
            )
        )
    outputs = [process.communicate(timeout=600)[0] for process in processes]
    return json.loads(outputs[0].splitlines()[-1])


def operations_and_bytes(classifier):
    """Operations of one image's forward pass, and bytes of all weights."""
    forward = 0  # two for each product of a weight
    for layer in classifier._flatten_layers():
        if hasattr(layer, "kernel"):
            positions = int(np.prod(layer.output.shape[1:-1]))
            forward += 2 * positions * int(np.prod(layer.kernel.shape))
    return forward, 4 * sum(int(np.prod(weight.shape)) for weight in classifier.weights)


def on_paper(rows=160, replicas=(2, 8, 32)):
    """Bytes and efficiency of conv_large; `rows` images on each replica."""
    forward, moved = operations_and_bytes(keras_vat.classifiers.conv_large())
    found = []
    for method, passes in (("supervised", 3), ("vat", 8)):
        compute = passes * forward * rows / EFFECTIVE_FLOPS
        for number in replicas:
            sent = 2 * (number - 1) / number * moved
            row = {"method": method, "replicas": number, "MB through a link": sent / 1e6}
            row["ms of computing"] = 1e3 * compute
            for link, speed in LINKS.items():
                row[f"efficiency, {link}"] = compute / (compute + sent / speed)
            found.append(row)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch_size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=45)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--child", choices=("none", "mirrored", "workers"))
    parser.add_argument("--devices", type=int, default=1)
    arguments = parser.parse_args()
    sizes = (arguments.batch_size, arguments.steps)
    if arguments.child:
        child(arguments.child, arguments.devices, arguments.methods[0], *sizes)
        return

    times = {(setting, method): [] for method in arguments.methods for setting in SETTINGS}
    for _ in range(arguments.repeats):
        for case in times:
            times[case] += measure(*case, *sizes)
    rows = []
    for (setting, method), found in times.items():
        spread = report.quartiles(found)
        alone = report.quartiles(times["no strategy", method])["median"]
        row = {"strategy": setting, "method": method, "ms per step": spread["median"]}
        row["quartiles"] = [round(quartile, 1) for quartile in spread["quartiles"]]
        row["over no strategy"] = spread["median"] / alone
        rows.append(row)
    paper = on_paper()
    print(report.table(rows))
    print(report.table(paper))
    report.save(
        "distribution",
        rows,
        repeats=arguments.repeats,
        **dict(zip(("batch_size", "steps"), sizes, strict=True)),
    )
    report.save("distribution_on_paper", paper, effective_flops=EFFECTIVE_FLOPS)


if __name__ == "__main__":
    main()
