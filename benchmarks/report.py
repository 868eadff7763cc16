"""Result files of the benchmarks: JSON with the command, the machine and the versions."""

import json
import os
import pathlib
import platform
import sys
import time

import keras
import numpy as np
import tensorflow as tf

import keras_vat

RESULTS = pathlib.Path(__file__).parent / "results"


def environment():
    """What a reader needs to judge a figure."""
    return {
        "command": "python benchmarks/" + " ".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "accelerators": len(tf.config.list_physical_devices("GPU")),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "keras_vat": keras_vat.__version__,
    }


def save(name, rows, **more):
    """Writes `results/<name>.json` and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {"environment": environment(), **more, "rows": rows}
    path.write_text(json.dumps(content, indent=1, default=float) + "\n")
    return path


def quartiles(values):
    """Median and quartiles of a list, as a dictionary."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return {"median": float(middle), "quartiles": [float(low), float(high)]}


def table(rows, columns):
    """A Markdown table of some columns of a list of dictionaries."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = [row.get(column, "") for column in columns]
        cells = [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
