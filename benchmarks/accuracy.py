"""Test errors of the papers' tables.

    python benchmarks/accuracy.py --table mnist-ssl --stage tune     # epsilon on validation data
    python benchmarks/accuracy.py --table mnist-ssl --stage run      # seeds, at the chosen epsilon
    python benchmarks/accuracy.py --table mnist-ssl --stage report   # the table, nothing trained

Every finished training is one line of `results/accuracy/<table>.<stage>.jsonl`; a run that was
stopped goes on where it was when it is started again. Needs TFDS_DATA_DIR.
"""

import argparse
import json
import time

import keras
import numpy as np
import report

import keras_vat
from keras_vat import regularizers
from keras_vat.classifiers.published_settings import MNIST_100_LABELS

FOLDER = report.RESULTS / "accuracy"
PAPER = {"rpt": 6.81, "vat xi=1e-6": 1.36}
VALIDATION_ROWS = 1000

# Method -> (regularizers for an epsilon, values of epsilon to choose from; before `tune` has run,
# the middle one).
MNIST_SSL = {
    "supervised": (lambda epsilon: [], (None,)),
    "rpt": (lambda epsilon: [regularizers.get("rpt", epsilon=epsilon)], (5.0, 10.0, 20.0)),
    "vat xi=1e-6": (
        lambda epsilon: [
            regularizers.get("vat", epsilon=epsilon, curvature="finite_difference", xi=1e-6)
        ],
        (3.5, 5.0, 7.0),
    ),
    "vat": (lambda epsilon: [regularizers.get("vat", epsilon=epsilon)], (3.5, 5.0, 7.0)),
}
TABLES = {"mnist-ssl": (MNIST_SSL, MNIST_100_LABELS)}


def mnist(seed, num_labels):
    """Labelled rows, unlabelled rows, validation rows and test rows; new ones for each seed."""
    (x, y), test = keras_vat.data.load("mnist")
    order = np.random.default_rng(seed).permutation(len(x))
    validation, rest = order[:VALIDATION_ROWS], order[VALIDATION_ROWS:]
    chosen = keras_vat.data.labeled_split(y[rest], num_labels, seed=seed)
    labeled = x[rest][chosen], y[rest][chosen]
    return labeled, x[rest], (x[validation], y[validation]), test


def error(model, rows):
    logits = model.predict(rows[0], batch_size=1000, verbose=0)
    return 100 * float(np.mean(np.argmax(logits, -1) != rows[1]))


class TestErrors(keras.callbacks.Callback):
    """Notes the test error as training goes."""

    def __init__(self, rows):
        super().__init__()
        self.rows, self.errors = rows, []

    def on_epoch_end(self, epoch, logs=None):
        self.errors.append(round(error(self.model, self.rows), 3))


def train(methods, settings, seed, updates, epoch=1000):
    labeled, unlabeled, validation, test = mnist(seed, settings.num_labels)
    keras.utils.set_random_seed(seed)
    classifier = keras_vat.classifiers.mnist_mlp(noise=settings.noise)
    model = keras_vat.VATModel(classifier, methods)
    decay = updates - updates * settings.decay_start // settings.num_updates
    rate = keras_vat.optimizers.ConstantThenLinearDecay(settings.learning_rate, updates, decay)
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=50,
    )
    data = keras_vat.data.semi_supervised(
        labeled,
        unlabeled,
        settings.labeled_batch_size,
        settings.unlabeled_batch_size,
        seed=seed,
        repeat=True,
    )
    watch = TestErrors(test)
    start = time.perf_counter()
    model.fit(
        data,
        steps_per_epoch=min(epoch, updates),
        epochs=max(1, updates // epoch),
        verbose=0,
        shuffle=False,
        callbacks=[watch, keras_vat.callbacks.BatchNormReestimation(unlabeled, seed=seed)],
    )
    return {
        "test error": error(model, test),
        "test error, moving averages of training": watch.errors[-1],
        "best test error": min(watch.errors),
        "validation error": error(model, validation),
        "seconds": round(time.perf_counter() - start, 1),
        "curve": watch.errors,
    }


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def best_epsilon(table, method):
    """The epsilon with the smallest validation error, among those that `tune` trained with."""
    choices = TABLES[table][0][method][1]
    rows = [r for r in read(FOLDER / f"{table}.tune.jsonl") if r["method"] == method]
    if not rows:
        return choices[len(choices) // 2]
    return min(rows, key=lambda row: row["validation error"])["epsilon"]


def jobs(arguments):
    for seed in arguments.seeds if arguments.stage == "run" else [1000]:
        for method in arguments.methods or TABLES[arguments.table][0]:
            if arguments.epsilons:
                epsilons = arguments.epsilons
            elif arguments.stage == "run":
                epsilons = [best_epsilon(arguments.table, method)]
            else:
                epsilons = TABLES[arguments.table][0][method][1]
            for epsilon in epsilons:
                if arguments.stage == "run" or epsilon is not None:
                    yield {"method": method, "epsilon": epsilon, "seed": seed}


def work(arguments):
    methods, settings = TABLES[arguments.table]
    path = FOLDER / f"{arguments.table}.{arguments.stage}.jsonl"
    FOLDER.mkdir(parents=True, exist_ok=True)
    for job in jobs(arguments):
        job["updates"] = arguments.updates
        if any(job.items() <= row.items() for row in read(path)):
            continue
        chosen = methods[job["method"]][0](job["epsilon"])
        row = {**job, **train(chosen, settings, job["seed"], arguments.updates)}
        with path.open("a") as lines:
            lines.write(json.dumps({**row, **report.environment()}) + "\n")
        print({key: row[key] for key in (*job, "validation error", "test error", "seconds")})


def summary(table):
    """One row for each method, epsilon and number of updates, over the seeds."""
    runs = {}
    for row in read(FOLDER / f"{table}.run.jsonl"):
        key = (row["method"], row["epsilon"], row["updates"])
        runs.setdefault(key, []).append(row["test error"])
    order = list(TABLES[table][0])
    lines = []
    for method, epsilon, updates in sorted(runs, key=lambda k: (-k[2], order.index(k[0]))):
        errors = runs[method, epsilon, updates]
        lines.append(
            {
                "method": method,
                "epsilon": epsilon,
                "updates": updates,
                "seeds": len(errors),
                "mean test error, %": float(np.mean(errors)),
                "standard deviation": float(np.std(errors, ddof=1)) if len(errors) > 1 else "",
                "paper (100,000 updates)": PAPER.get(method, ""),
            }
        )
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", choices=TABLES, required=True)
    parser.add_argument("--stage", choices=("tune", "run", "report"), default="run")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--epsilons", nargs="+", type=float, help="in place of the chosen")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--updates", type=int, default=24_000)
    arguments = parser.parse_args()
    if arguments.stage != "report":
        work(arguments)
    if arguments.stage != "tune":
        rows = summary(arguments.table)
        print(report.table(rows, list(rows[0])))
        report.save(f"accuracy-{arguments.table}", rows)


if __name__ == "__main__":
    main()
