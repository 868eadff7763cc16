"""One training script: alone, on all devices of a machine, and on several machines
================================================================================

Digits with 50 labels by virtual adversarial training. What distribution needs is marked: a
strategy, its scope around the model, a seed for the data (all workers must draw the same batches;
each trains on its part of them), and a folder for each worker's backup.

::

    python examples/distributed.py                 # alone: about half a minute on two cores
    python examples/distributed.py --devices 0     # all GPUs of this machine
    python examples/distributed.py --devices 2     # two GPUs, or the CPU split in two
    python examples/distributed.py --workers 2     # a cluster of two processes on this machine
    python examples/distributed.py --workers 2 --backup /tmp/digits   # may be killed, run again

On several machines start the script on each, with the addresses of all in `TF_CONFIG`, as
`start_cluster` does for one machine.

What to expect: about 88 % of the test digits in all three cases. A net this small trains slower
on two devices than on one (see benchmarks/speed/distribution.py).
"""

import argparse
import json
import os
import socket
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def start_cluster(workers):
    """Starts this script once for each worker; ends all when one has failed."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    processes = []
    for index in range(workers):
        task = {"type": "worker", "index": index}
        cluster = {"cluster": {"worker": addresses}, "task": task}
        environment = {**os.environ, "TF_CONFIG": json.dumps(cluster)}
        processes.append(subprocess.Popen([sys.executable, *sys.argv], env=environment))
    try:
        statuses = [process.wait() for process in processes]
    finally:
        for process in processes:
            process.kill()
    return max(abs(status) for status in statuses)


def make_strategy(devices):
    """The strategy that the surroundings ask for."""
    import tensorflow as tf

    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    devices = devices or len(tf.config.list_physical_devices(kind))
    if devices == 1:
        return tf.distribute.get_strategy()
    if kind == "CPU":
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(cpu, parts)
    return tf.distribute.MirroredStrategy([f"{kind}:{number}" for number in range(devices)])


def train(strategy, index, epochs, backup):
    import keras

    import keras_vat

    (x, y), test = keras_vat.data.load("digits")
    rows = keras_vat.data.labeled_split(y, num_labels=50)
    batches = keras_vat.data.semi_supervised((x[rows], y[rows]), x, seed=0)  # the seed

    keras.utils.set_random_seed(0)
    with strategy.scope():  # the scope
        layers = [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(10, "softmax"),
        ]
        vat = keras_vat.regularizers.VirtualAdversarialTraining(epsilon=0.6)
        model = keras_vat.VATModel(keras.Sequential(layers), vat)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    callbacks = []
    if backup:  # a folder for each worker
        folder = os.path.join(backup, f"worker-{index}")
        callbacks.append(keras.callbacks.BackupAndRestore(folder))
    verbose = 2 if index == 0 else 0
    model.fit(batches, epochs=epochs, callbacks=callbacks, verbose=verbose)
    # Evaluation, too, is shared: every worker takes part.
    accuracy = model.evaluate(*test, verbose=0, return_dict=True)["accuracy"]
    if index == 0:
        print(f"{strategy.num_replicas_in_sync} replicas: test accuracy {accuracy:.3f}")


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--devices", type=int, default=1, help="here; 0: all there are")
    parser.add_argument("--workers", type=int, default=1, help="processes, each a worker")
    parser.add_argument("--epochs", type=int, default=30, help="passes over the rows")
    parser.add_argument("--backup", help="folder from which a stopped run goes on")
    arguments = parser.parse_args()
    if arguments.workers > 1 and "TF_CONFIG" not in os.environ:
        sys.exit(start_cluster(arguments.workers))
    # Before anything else: TensorFlow makes its devices when it is first used.
    strategy = make_strategy(arguments.devices)
    resolver = strategy.cluster_resolver
    index = resolver.task_id if resolver and "TF_CONFIG" in os.environ else 0
    train(strategy, index, arguments.epochs, arguments.backup)


if __name__ == "__main__":
    main()
