"""Which moving averages come out of `fit`? Test errors by the policies "auto" and "batch".

    python -m benchmarks.accuracy.batch_statistics

The error of the last validation within `fit`, and the error after the averages were estimated anew
over 100 batches of unlabelled rows. Every training is one line of
`results/accuracy/batch-statistics.jsonl`; the same command goes on where it was stopped. `--report`
trains nothing.
"""

import argparse
import sys
import warnings
from collections import defaultdict
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

import keras_vat
from benchmarks import report
from benchmarks.accuracy import results
from keras_vat import regularizers

POLICIES = ("auto", "batch")
ENTRIES = ("out of fit", "estimated anew")


def digits_net():
    """A small convolutional net, as anybody would write it."""
    blocks = [
        layer
        for filters in (16, 32)
        for layer in (
            layers.Conv2D(filters, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
        )
    ]
    return keras.Sequential(
        [keras.Input((8, 8, 1)), *blocks[:-1], layers.Flatten(), layers.Dense(10)]
    )


class Task(NamedTuple):
    """A data set with few labels, a net with batch normalisation, and sizes of perturbations."""

    dataset: str
    classifier: object
    num_labels: int
    batches: tuple
    epochs: int
    learning_rate: float
    epsilons: dict


TASKS = {
    "digits, 50 labels": Task(
        "digits",
        digits_net,
        50,
        (32, 128),
        25,
        1e-3,
        {"at": 0.6, "rpt": 1.8, "vat": 0.6, "fat": 0.6},
    ),
    "mnist, 100 labels": Task(
        "mnist",
        lambda: keras_vat.classifiers.mnist_mlp(noise=0.5),
        100,
        (64, 256),
        2,
        2e-3,
        {"at": 2.0, "rpt": 10.0, "vat": 5.0, "fat": 1.5},
    ),
}
METHODS = ("none", "at", "rpt", "vat", "entropy", "fat")


def make(method, epsilons):
    """The regularizers of a row of the table."""
    if method == "none":
        return []
    arguments = {"epsilon": epsilons[method]} if method in epsilons else {}
    if method == "fat":
        arguments["radius"] = 4 / 3 * arguments["epsilon"]
    return regularizers.get(method, **arguments)


def train(job):
    """Test errors in %: of the last validation in `fit`, and with averages estimated anew."""
    task = TASKS[job["task"]]
    keras.utils.clear_session()
    keras.utils.set_random_seed(job["seed"])
    (x, y), test = keras_vat.data.load(task.dataset)
    rows = keras_vat.data.labeled_split(y, task.num_labels, seed=job["seed"])
    batches = keras_vat.data.semi_supervised((x[rows], y[rows]), x, *task.batches, seed=job["seed"])
    model = keras_vat.VATModel(
        task.classifier(), make(job["method"], task.epsilons), batch_statistics=job["policy"]
    )
    model.compile(
        keras.optimizers.Adam(task.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*averages of batch normalisation still remember")
        history = model.fit(
            batches,
            epochs=task.epochs,
            validation_data=test,
            validation_freq=task.epochs,
            shuffle=False,
            verbose=0,
        ).history
    anew = keras_vat.callbacks.BatchNormReestimation(x, seed=job["seed"])
    anew.set_model(model)
    anew.on_train_end()
    accuracy = model.evaluate(*test, verbose=0, return_dict=True)["accuracy"]
    found = (history["val_accuracy"][-1], accuracy)
    return {name: round(100 * (1 - a), 3) for name, a in zip(ENTRIES, found, strict=True)}


def summary(found):
    """A line for each task and method: mean errors over the seeds, and the widest gap of a seed."""
    groups = defaultdict(list)
    for one in found:
        groups[one["task"], one["method"], one["policy"]].append(one)
    lines = []
    for task in TASKS:
        for method in METHODS:
            line = {"task": task, "method": method}
            for policy in POLICIES:
                trained = groups[task, method, policy]
                if not trained:
                    continue
                errors = np.array([[one[name] for name in ENTRIES] for one in trained])
                line[f'"{policy}", out of fit, %'] = float(errors[:, 0].mean())
                line[f'"{policy}", worst seed above anew, points'] = float(
                    np.max(errors[:, 0] - errors[:, 1])
                )
                line["estimated anew, %"] = float(errors[:, 1].mean())
                line["seeds"] = len(trained)
            lines += [line] if "seeds" in line else []
    return lines


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS, help="data sets")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS, help="rows")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of all")
    parser.add_argument("--report", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    path = report.RESULTS / "accuracy" / "batch-statistics.jsonl"
    done = results.read(path)
    for task in arguments.tasks if not arguments.report else []:
        for seed in arguments.seeds:
            for method in arguments.methods:
                for policy in POLICIES:
                    job = {"task": task, "method": method, "policy": policy, "seed": seed}
                    if not results.is_done(job, done):
                        results.append(path, {**job, **train(job), **report.environment()})
            print(f"{task}, seed {seed}", file=sys.stderr, flush=True)
    lines = summary(results.read(path))
    print(report.table(lines))
    report.save("batch_statistics", lines)


if __name__ == "__main__":
    main()
