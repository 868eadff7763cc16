"""Which perceptron should `VATClassifier` have for tables? Test errors of several, on five tables.

    python -m benchmarks.accuracy.default_perceptron --adult adult.csv

Every training is one line of `results/accuracy/default-perceptron.jsonl`; the same command goes on
where it was stopped. `--report` trains nothing.
"""

import argparse
import pathlib
import sys
from collections import defaultdict

import keras
import numpy as np

from benchmarks import report
from benchmarks.accuracy import results, tabular_data
from keras_vat.wrappers import VATClassifier

UPDATES = 1000
METHODS = {
    "supervised": {"weight": 0.0},
    "vat, epsilon 1": {"epsilon": 1.0},
    "vat, epsilon 2": {"epsilon": 2.0},
}


def perceptron(units, activation, between=None):
    """A function that makes a perceptron of two hidden layers."""
    initializer = "glorot_uniform" if activation == "tanh" else "he_normal"

    def make(input_shape, num_classes):
        layers = [keras.Input(input_shape)]
        for _ in range(2):
            layers.append(keras.layers.Dense(units, kernel_initializer=initializer))
            layers += [keras.layers.LayerNormalization()] if between == "norm" else []
            layers.append(keras.layers.Activation(activation))
            layers += [keras.layers.Dropout(between)] if isinstance(between, float) else []
        return keras.Sequential([*layers, keras.layers.Dense(num_classes)])

    return make


CANDIDATES = {
    "relu, 64": perceptron(64, "relu"),
    "relu, 128": perceptron(128, "relu"),
    "relu, 256": perceptron(256, "relu"),
    "tanh, 128": perceptron(128, "tanh"),
    "silu, 128": perceptron(128, "silu"),
    "silu, 256": perceptron(256, "silu"),
    "relu, 128, layer normalisation": perceptron(128, "relu", "norm"),
    "relu, 256, layer normalisation": perceptron(256, "relu", "norm"),
    "silu, 128, layer normalisation": perceptron(128, "silu", "norm"),
    "relu, 128, dropout 0.2": perceptron(128, "relu", 0.2),
    "relu, 256, dropout 0.5": perceptron(256, "relu", 0.5),
}


def train(job, adult):
    """Test error in %."""
    rows = tabular_data.split(job["table"], job["seed"], adult)
    classifier = VATClassifier(
        CANDIDATES[job["perceptron"]],
        updates=UPDATES,
        random_state=job["seed"],
        **METHODS[job["method"]],
    )
    classifier.fit(rows.x, rows.y)
    return round(100 * (1 - classifier.score(rows.x_test, rows.y_test)), 3)


def summary(found):
    """A line for each perceptron: mean test errors over seeds, and over tables."""
    errors = defaultdict(list)
    for one in found:
        errors[one["perceptron"], one["method"], one["table"]].append(one["test error"])
    lines = []
    for name in CANDIDATES:
        line = {"perceptron": name}
        for method in METHODS:
            means = [np.mean(errors[name, method, table]) for table in tabular_data.NUM_LABELS]
            line[f"{method}, mean of the tables, %"] = float(np.mean(means))
        for table in tabular_data.NUM_LABELS:
            vat = [np.mean(errors[name, method, table]) for method in METHODS if "vat" in method]
            line[f"{table}, best vat, %"] = float(min(vat))
        lines.append(line)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adult", type=pathlib.Path, help="the table as CSV; default: left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--report", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    path = report.RESULTS / "accuracy" / "default-perceptron.jsonl"
    done = results.read(path)
    tables = [name for name in tabular_data.NUM_LABELS if name != "adult" or arguments.adult]
    for table in tables if not arguments.report else []:
        for name in CANDIDATES:
            for method in METHODS:
                for seed in arguments.seeds:
                    job = {"table": table, "perceptron": name, "method": method, "seed": seed}
                    if not results.is_done(job, done):
                        error = train(job, arguments.adult)
                        results.append(path, {**job, "test error": error, **report.environment()})
        print(table, file=sys.stderr, flush=True)
    lines = summary(results.read(path))
    print(report.table(lines))
    report.save("default_perceptron", lines)


if __name__ == "__main__":
    main()
