"""Result files of the benchmarks: JSON with the command, the machine and the versions.

Run as a program, it writes the tables of `README.md` anew from the JSON files:

    python -m benchmarks.report
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import shlex
import sys
import time

import keras
import numpy as np

import keras_vat

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}


def command():
    """The command that runs, as it is typed."""
    module = sys.modules["__main__"].__spec__
    program = ["-m", module.name.removesuffix(".__main__")] if module else sys.argv[:1]
    return shlex.join(["python", *program, *sys.argv[1:]])


def environment(backends=None):
    """What a reader needs to judge a figure; `None`: it was measured on this process's backend."""
    return {
        "command": command(),
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "accelerators": sum("cpu" not in name for name in keras.distribution.list_devices()),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in backends or [keras.config.backend()]},
        "keras": keras.__version__,
        "keras_vat": keras_vat.__version__,
    }


def save(name, rows, backends=None, **more):
    """Writes `results/<name>.json`, measured on these backends, and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {"environment": environment(backends), **more, "rows": rows}
    path.write_text(json.dumps(content, indent=1, default=float) + "\n")
    return path


def quartiles(values):
    """Median and quartiles of a list, as a dictionary."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return {"median": float(middle), "quartiles": [float(low), float(high)]}


def table(rows, columns=None):
    """A Markdown table of some columns of a list of dictionaries, or of all that any row has."""
    columns = columns or list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = [row.get(column, "") for column in columns]
        cells = [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def render(name):
    """The table of one result file, with the command and the versions it came from."""
    content = json.loads((RESULTS / f"{name}.json").read_text())
    made = content["environment"]
    rows = content.get("summary", content["rows"])
    versions = [f"{name} {made[key]}" for key, name in BACKENDS.items() if key in made]
    source = (
        f"`{made['command']}`, {made['date']}, {made['cores']} cores, {', '.join(versions)}, "
        f"Keras {made['keras']}"
    )
    return f"{table(rows)}\n\n{source}"


def main():
    argparse.ArgumentParser(description="Writes the tables of README.md anew.").parse_args()
    path = RESULTS.parent / "README.md"
    text = re.sub(
        r"(<!-- (\S+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{render(found[2])}\n{found[3]}",
        path.read_text(),
        flags=re.DOTALL,
    )
    path.write_text(text)


if __name__ == "__main__":
    main()
