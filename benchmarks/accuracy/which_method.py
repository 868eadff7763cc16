"""Which method for which data? Test errors of all methods on tasks of every kind.

    python -m benchmarks.accuracy.which_method --tasks "digits, 50 labels" "wine, 30 labels"
    python -m benchmarks.accuracy.which_method --text ../text --adult adult.csv    # all tasks

One rule for all methods: hyper-parameters are those with the smallest error on held-out rows, mean
of two seeds of their own; of equally good ones the smaller. Perturbations are shares of the
distance that rows, or what a generator draws, have from their mean (root mean square), so that one
grid serves all data. Every training is one line of `results/accuracy/which-method.jsonl`; the same
command goes on where it was stopped. `--report` trains nothing.
"""

import argparse
import math
import pathlib
import time

import keras
import numpy as np
from sklearn.semi_supervised import SelfTrainingClassifier

from benchmarks import report
from benchmarks.accuracy import generators, methods, results
from benchmarks.accuracy.kinds_of_data import TASKS
from keras_vat import callbacks, data, regularizers
from keras_vat.wrappers import VATClassifier

TUNE_SEEDS = (1000, 1001)
SHARES = (0.02, 0.06, 0.2, 0.6)
MOST_VALIDATION_ROWS = 1000


class Method:
    """How a method is trained.

    Args:
        make: Function of an epsilon, a task and the number chosen from the grid: a list of
            regularizers.
        grid: Numbers to choose from: shares of the rows' distance from their mean, or what else
            the method has one of. One number: nothing is chosen.
        sees_all: Whether it is trained on the rows without labels, too.
        kinds: Kinds of data that it is for; `None`: all.
        few_labels: Whether it is for data alone of which some have no labels.
    """

    def __init__(
        self, make=lambda **_: [], grid=(0.0,), sees_all=True, kinds=None, few_labels=False
    ):
        self.make, self.grid, self.sees_all = make, grid, sees_all
        self._kinds, self._few_labels = kinds, few_labels

    def suits(self, task):
        return (self._kinds is None or task.kind in self._kinds) and (
            task.num_labels is not None or not self._few_labels
        )

    def distance(self, task, x):
        """How far from its mean, root mean square, what it perturbs is."""
        return task.distance(x)


class Latent(Method):
    """A method that perturbs in the latent space of the task's generator."""

    def suits(self, task):
        return task.generator is not None and super().suits(task)

    def distance(self, task, x):
        """That of z ~ N(0, I)."""
        shapes = generators.trained(task.generator).latent_shapes
        return float(np.sqrt(sum(map(math.prod, shapes))))


def perturbing(name, **settings):
    def make(epsilon, task, **_):
        return [regularizers.get(name, epsilon=epsilon, perturb_at=task.place, **settings)]

    return make


def entropy(**_):
    return [regularizers.get("entropy")]


def vat_entropy(**chosen):
    return perturbing("vat")(**chosen) + entropy()


def fat(epsilon, task, **_):
    return perturbing("fat", radius=4 / 3 * epsilon)(epsilon, task)


def lvat(reference):
    return lambda epsilon, task, **_: methods.lvat(task.generator, reference=reference)(
        epsilon=epsilon
    )


def vmt(number, **_):
    return [regularizers.get("vmt", weight=number)]


ALONE = {"sees_all": False, "few_labels": True}
METHODS = {
    "supervised": Method(sees_all=False),
    "entropy": Method(entropy),
    "entropy, labels alone": Method(entropy, **ALONE),
    "rpt": Method(perturbing("rpt"), SHARES),
    "rpt, labels alone": Method(perturbing("rpt"), SHARES, **ALONE),
    "at": Method(perturbing("at"), SHARES, sees_all=False),
    "vat": Method(perturbing("vat"), SHARES),
    "vat, labels alone": Method(perturbing("vat"), SHARES, **ALONE),
    "vat + entropy": Method(vat_entropy, SHARES),
    "vat, temperature 0.5": Method(perturbing("vat", temperature=0.5), SHARES),
    "vat, temperature 0.8": Method(perturbing("vat", temperature=0.8), SHARES),
    "fat": Method(fat, SHARES),
    "vmt": Method(vmt, (0.01, 0.03, 0.1, 0.3), kinds=("images", "signals")),
    "lvat": Latent(lvat("input"), SHARES),
    "lvat, reconstruction": Latent(lvat("reconstruction"), SHARES),
    "self-training": Method(grid=(0.7, 0.9, 0.99), few_labels=True),
}


def split(task, seed, tunes, folders):
    """Inputs, labels or -1, and rows `(x, y)` to test on: held-out ones where it tunes."""
    (x, y), test = task.load(folders)
    order = np.random.default_rng(seed).permutation(len(y))
    if tunes:
        held_out, order = np.split(order, [min(MOST_VALIDATION_ROWS, len(y) // 5)])
        test = x[held_out], y[held_out]
    x, y = x[order], y[order]
    known = y
    if task.num_labels is not None:
        known = np.full(len(y), -1)
        labeled = data.labeled_split(y, task.num_labels, seed=seed)
        known[labeled] = y[labeled]
    return x, known, test


def train(job, folders):
    """Trains one classifier: its error in %, and how sure it is of the rows without labels."""
    task, method = TASKS[job["task"]], METHODS[job["method"]]
    x, y, (x_test, y_test) = split(task, job["seed"], job["seed"] in TUNE_SEEDS, folders)
    number = job["number"]
    epsilon = number * method.distance(task, x)
    warmup = [callbacks.LambdaWarmup(steps=task.updates // 2)] if job["method"] == "fat" else None
    estimator = VATClassifier(
        task.classifier(x),
        method.make(epsilon=epsilon, task=task, number=number) or None,
        optimizer=task.optimizer(),
        updates=task.updates,
        labeled_batch_size=task.batch_sizes[0],
        unlabeled_batch_size=task.batch_sizes[1],
        callbacks=warmup,
        random_state=job["seed"],
    )
    if job["method"] == "self-training":  # which knows rows of numbers alone
        estimator.set_params(model=from_rows(estimator.model, x.shape[1:]))
        estimator = SelfTrainingClassifier(estimator, threshold=number)
        x, x_test = x.reshape(len(x), -1), x_test.reshape(len(x_test), -1)
    used = slice(None) if method.sees_all else y >= 0
    start = time.perf_counter()
    estimator.fit(x[used], y[used])
    seconds = time.perf_counter() - start
    rest = x[y < 0] if task.num_labels is not None else x_test
    sure = estimator.predict_proba(rest[:1000]).max(axis=1)
    return {
        "epsilon": round(float(epsilon), 4) if method.grid == SHARES else None,
        "error": percent(np.mean(estimator.predict(x_test) != y_test)),
        "mean of largest probabilities": round(float(sure.mean()), 4),
        "seconds": round(seconds, 1),
    }


def from_rows(make, shape):
    """A net of rows of numbers, which it gives the shape that another takes."""

    def reshaped(input_shape, num_classes):
        first = keras.layers.Reshape(shape)
        return keras.Sequential([keras.Input(input_shape), first, make(shape, num_classes)])

    return reshaped


def percent(share):
    return round(100 * float(share), 3)


def chosen(task, name, found):
    """The number of a grid with the smallest error on held-out rows."""
    grid = METHODS[name].grid
    errors = {
        number: np.mean([one["error"] for one in of_method(found, task, name, number, tunes=True)])
        for number in grid
        if len(grid) > 1
    }
    return min(errors, key=lambda number: (errors[number], number)) if errors else grid[0]


def of_method(found, task, name, number=None, tunes=False):
    """The trainings of a method on a task."""
    return [
        one
        for one in found
        if (one["task"], one["method"]) == (task, name)
        and number in (None, one["number"])
        and (one["seed"] in TUNE_SEEDS) == tunes
    ]


def work(task, names, path, folders):
    """Trains what has not been trained yet: first what the numbers are chosen by."""
    for name in names:
        grid = METHODS[name].grid
        for seed in TUNE_SEEDS if len(grid) > 1 else ():
            for number in grid:
                finish(
                    {"task": task, "method": name, "number": number, "seed": seed}, path, folders
                )
    for seed in range(TASKS[task].seeds):
        for name in names:
            number = chosen(task, name, results.read(path))
            finish({"task": task, "method": name, "number": number, "seed": seed}, path, folders)


def finish(job, path, folders):
    if not results.is_done(job, results.read(path)):
        results.append(path, {**job, **train(job, folders), **report.environment()})
        print(job, flush=True)


def summary(found):
    """A line for each task and method, over the seeds that supervised training has, too."""
    lines = []
    for task in TASKS:
        plain = {one["seed"]: one for one in of_method(found, task, "supervised")}
        for name in METHODS:
            trained = {one["seed"]: one for one in of_method(found, task, name)}
            seeds = sorted(set(plain) & set(trained))
            if len(seeds) < 2:
                continue
            errors = np.array([trained[seed]["error"] for seed in seeds])
            gains = errors - [plain[seed]["error"] for seed in seeds]
            time_of, plain_time = (
                np.median([of[seed]["seconds"] for seed in seeds]) for of in (trained, plain)
            )
            sure = np.mean([trained[seed]["mean of largest probabilities"] for seed in seeds])
            first = trained[seeds[0]]
            error = np.std(gains, ddof=1) / np.sqrt(len(seeds))
            lines.append(
                {
                    "task": task,
                    "method": name,
                    "chosen": first["number"] if len(METHODS[name].grid) > 1 else "",
                    "epsilon": first["epsilon"] or "",
                    "error, %": f"{errors.mean():.1f} ± {errors.std(ddof=1):.1f}",
                    "minus supervised": f"{gains.mean():+.1f} ± {error:.1f}",
                    "mean of largest probabilities": round(float(sure), 2),
                    "time / supervised": round(time_of / plain_time, 1),
                    "seeds": len(seeds),
                }
            )
    return lines


def missed(found, name="vat"):
    """What each share of the grid leaves more than the best one, on held-out rows, in points."""
    lines = []
    for task in TASKS:
        errors = {
            share: [one["error"] for one in of_method(found, task, name, share, tunes=True)]
            for share in SHARES
        }
        if all(len(of_seeds) == len(TUNE_SEEDS) for of_seeds in errors.values()):
            best = min(map(np.mean, errors.values()))
            points = {str(share): round(np.mean(of) - best, 1) for share, of in errors.items()}
            lines.append({"task": task, **points})
    if not lines:
        return []
    of_shares = {str(share): [line[str(share)] for line in lines] for share in SHARES}
    most = {share: max(points) for share, points in of_shares.items()}
    mean = {share: round(np.mean(points), 1) for share, points in of_shares.items()}
    return [*lines, {"task": "most", **most}, {"task": "mean", **mean}]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, help="default: all that data are for")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--text", type=pathlib.Path, help="folder of texts as CSV")
    parser.add_argument("--adult", type=pathlib.Path, help="the table adult as CSV")
    parser.add_argument("--report", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    folders = {"text": arguments.text, "adult": arguments.adult}
    path = report.RESULTS / "accuracy" / "which-method.jsonl"
    for name in arguments.tasks or TASKS if not arguments.report else ():
        task = TASKS[name]
        if task.needs and not folders[task.needs]:
            print(f"{name} needs --{task.needs}: left out", flush=True)
            continue
        work(name, [m for m in arguments.methods if METHODS[m].suits(task)], path, folders)
    found = results.read(path)
    for name, lines in (("which_method", summary(found)), ("which_share", missed(found))):
        print(report.table(lines))
        report.save(name, lines)


if __name__ == "__main__":
    main()
