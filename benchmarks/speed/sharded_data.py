"""Unlabelled data that don't fit into memory: sharded TFRecord files beside arrays.

Random images of CIFAR-10's size, 32 labelled and 128 unlabelled in a batch, VAT.

- How many steps of `fit` a second, over those with arrays, and how much of the processors' time a
  step takes, over the same: sources take turns in one process.
- What a row costs before the step: time of the processor, which other programs disturb little. "two
  servers" is the tf.data service: they read and decode, the row is for the process that trains.
- How the memory of a training on files goes: a process of its own, two passes over the files.
- On paper: what a billion rows on 64 accelerators ask of processors, disks and network.

    python -m benchmarks.speed.sharded_data        # half an hour on two cores, 2 GB in a folder
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf

import keras_vat
from benchmarks import report
from benchmarks.speed import shards
from benchmarks.speed.input_on_paper import on_paper
from benchmarks.speed.memory import resident

LOCAL = shards.SOURCES[:3]  # without the tf.data service
NETS = {  # steps of a turn, and how many of them come first and don't count
    "mnist_mlp": (lambda: keras_vat.classifiers.mnist_mlp(0.5, shards.IMAGE), 60, 20),
    "conv_small": (lambda: keras_vat.classifiers.conv_small("cifar10"), 6, 1),
}


class Clock(keras.callbacks.Callback):
    """Time on the clock and of the processors, at the end of each step."""

    def on_train_begin(self, logs=None):
        self.times = []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append((time.perf_counter(), time.process_time()))


def make_model(classifier):
    model = keras_vat.VATModel(classifier, keras_vat.regularizers.get("vat", epsilon=2.0))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def parts(batches, steps):
    """A dataset whose every pass is the next `steps` of the batches."""
    iterator = iter(batches)
    return tf.data.Dataset.range(steps).map(lambda _: next(iterator))


def step_rates(paths, net, rounds):
    """Steps a second over those with arrays, for each source."""
    make_classifier, steps, first = NETS[net]
    model, clock = make_model(make_classifier()), Clock()
    data = {source: parts(shards.batches(source, paths), steps) for source in LOCAL}
    model.fit(data["arrays"], verbose=0, shuffle=False)
    seconds = {source: [] for source in LOCAL}
    for _ in range(rounds):
        for source in LOCAL:
            model.fit(data[source], verbose=0, shuffle=False, callbacks=[clock])
            whole = np.subtract(clock.times[-1], clock.times[first])
            seconds[source].append(whole / (steps - 1 - first))
    rows = []
    for source in LOCAL:
        found, arrays = np.array(seconds[source]), np.array(seconds["arrays"])
        spread = report.quartiles(arrays[:, 0] / found[:, 0])
        rows.append(
            {
                "net": net,
                "source": source,
                "ms of a step": 1e3 * float(np.median(found[:, 0])),
                "steps a second, over arrays": spread["median"],
                "quartiles": [round(quartile, 3) for quartile in spread["quartiles"]],
                "processors' time, over arrays": float(np.median(found[:, 1] / arrays[:, 1])),
            }
        )
    return rows


def cost_of_a_row(batches, count=300):
    """Microseconds of this process's processor time for each row of the batches."""
    iterator = iter(batches)
    for _ in range(count // 3):
        next(iterator)
    start = time.process_time()
    for _ in range(count):
        next(iterator)
    rows = count * (shards.LABELED + shards.UNLABELED)
    return 1e6 * (time.process_time() - start) / rows


def costs(paths, rounds):
    """The cost of a row of each source."""
    dispatcher = tf.data.experimental.service.DispatchServer()
    address = dispatcher.target.split("://")[1]
    servers = [start("server", "--dispatcher", address) for _ in range(2)]
    found = {source: [] for source in shards.SOURCES}
    try:
        for _ in range(rounds):
            for source in found:
                batches = shards.batches(source, paths, dispatcher.target)
                found[source].append(cost_of_a_row(batches))
    finally:
        for server in servers:
            server.kill()
            server.wait()
    medians = {source: report.quartiles(values)["median"] for source, values in found.items()}
    return [{"source": source, "µs of a row": median} for source, median in medians.items()]


def start(child, *options, **settings):
    """A process of this program."""
    command = [sys.executable, "-m", "benchmarks.speed.sharded_data", "--child", child, *options]
    return subprocess.Popen(command, cwd=report.ROOT, **settings)


def serve(dispatcher):
    service = tf.data.experimental.service
    service.WorkerServer(service.WorkerConfig(dispatcher_address=dispatcher)).join()


def train_twice(folder, rows):
    """Trains over the files twice, and prints the megabytes of memory after each twentieth."""
    paths = sorted(str(path) for path in pathlib.Path(folder).glob("*.tfrecord"))
    layers = [keras.Input(shards.IMAGE), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = make_model(keras.Sequential(layers))
    data = parts(shards.batches("shards", paths), rows // shards.UNLABELED // 10)
    sizes = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: sizes.append(resident() / 1e6))
    model.fit(data, epochs=20, verbose=0, shuffle=False, callbacks=[watch])
    print(json.dumps(sizes))


def memory(folder, rows):
    options = ["--folder", folder, "--rows", str(rows)]
    output, _ = start("memory", *options, stdout=subprocess.PIPE, text=True).communicate()
    return json.loads(output.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0, help="size of all files (2)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each source (5)")
    parser.add_argument("--nets", nargs="*", choices=NETS, default=list(NETS), help="(all)")
    parser.add_argument("--child", choices=("memory", "server"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--dispatcher", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child == "server":
        return serve(arguments.dispatcher)
    if arguments.child == "memory":
        return train_twice(arguments.folder, arguments.rows)

    with tempfile.TemporaryDirectory() as folder:
        paths, rows = shards.write(folder, arguments.gigabytes)
        megabytes = memory(folder, rows)
        cost = costs(paths, arguments.rounds)
        rates = [row for net in arguments.nets for row in step_rates(paths, net, arguments.rounds)]
    paper = on_paper(row_seconds=1e-6 * cost[1]["µs of a row"])
    print("megabytes:", *map(round, megabytes))
    for rows in (cost, rates, paper):
        print(report.table(rows))
    report.save("sharded_data", rates, megabytes=megabytes, gigabytes=arguments.gigabytes)
    report.save("sharded_data_costs", cost)
    report.save("sharded_data_on_paper", paper)


if __name__ == "__main__":
    main()
