"""`ParameterServerStrategy` is refused when the model is made, not in the middle of `fit`."""

import subprocess
import sys

import pytest

SCRIPT = """
import os
import socket
import tensorflow as tf
import keras
import keras_vat

def address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"

jobs = tf.train.ClusterSpec({"worker": [address()], "ps": [address()]})
servers = [tf.distribute.Server(jobs, job_name=job, task_index=0) for job in ("worker", "ps")]
resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(jobs, rpc_layer="grpc")
classifier = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
with tf.distribute.ParameterServerStrategy(resolver).scope():
    try:
        keras_vat.VATModel(classifier)
    except ValueError as error:
        print(error, flush=True)
os._exit(0)  # servers have no way to stop
"""


@pytest.mark.slow
def test_parameter_servers_are_refused():
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=200
    )
    message = run.stdout
    assert "can't be trained under tf.distribute.ParameterServerStrategy" in message, run.stderr
    assert "MultiWorkerMirroredStrategy" in message
    assert "Received: strategy=ParameterServerStrategyV2" in message
