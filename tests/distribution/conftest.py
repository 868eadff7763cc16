"""Clusters of real processes on the loopback interface."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
TIMEOUT = 300  # seconds; a minute is enough on an idle machine


def free_addresses(number):
    """Loopback addresses whose ports are free now."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    finally:
        for each in sockets:
            each.close()


@pytest.fixture
def run_cluster():
    """Runs a script in some processes that know of each other; none outlives the test.

    `run_cluster(workers, script="worker.py", **settings)` returns a list of `(exit status,
    report)`. With one worker there is no cluster: the process trains alone.
    """
    running = []

    def run(workers, script="worker.py", **settings):
        addresses = free_addresses(workers)
        cluster = []
        for index in range(workers):
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
            environment.pop("TF_CONFIG", None)
            if workers > 1:
                task = {"type": "worker", "index": index}
                environment["TF_CONFIG"] = json.dumps(
                    {"cluster": {"worker": addresses}, "task": task}
                )
            cluster.append(
                subprocess.Popen(
                    [sys.executable, str(HERE / script), json.dumps(settings)],
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        running.extend(cluster)
        outputs = [process.communicate(timeout=TIMEOUT) for process in cluster]
        return [
            (process.returncode, json.loads(out.splitlines()[-1]) if out.strip() else err[-2000:])
            for process, (out, err) in zip(cluster, outputs, strict=True)
        ]

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
