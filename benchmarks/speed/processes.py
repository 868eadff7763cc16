"""Measurements that take turns in processes of their own, each on a backend."""

import argparse
import json
import os
import subprocess
import sys

from benchmarks import report


def arguments_of(parser, measure):
    """The arguments; in a process that `measure_apart` made, measures, prints and ends it."""
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(*arguments.child)))
        sys.exit()
    return arguments


def measure_apart(backend, job):
    """What this program, run with `--child job` on a backend, prints as its last line of JSON."""
    name = sys.modules["__main__"].__spec__.name
    command = [sys.executable, "-m", name, "--child", json.dumps(job)]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        command, cwd=report.ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])
