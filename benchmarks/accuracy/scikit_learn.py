"""Tables with few labels: what scikit-learn has for them, beside `VATClassifier`.

    python -m benchmarks.accuracy.scikit_learn --adult adult.csv

Every method's parameters are chosen by cross-validation on the labels alone, and tested once. Each
choice with its test error is one line of `results/accuracy/scikit-learn.jsonl`; the same command
goes on where it was stopped. `--report` trains nothing.
"""

import argparse
import pathlib
import time
import warnings
from collections import defaultdict

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from benchmarks import report
from benchmarks.accuracy import results, tabular_data
from keras_vat.wrappers import SemiSupervisedKFold, VATClassifier

TABLES = ("digits", "wine", "breast cancer", "adult")
PENALTIES = [0.01, 0.1, 1.0, 10.0, 100.0]
EPSILONS = [1.0, 0.3, 3.0, 0.1, 10.0]  # of equally good ones the first is chosen: near the default
FOLDS = 3  # seven labels each, where there are 20

# Estimator, grid, and whether it is trained on rows without labels, too.
METHODS = {
    "logistic regression": (LogisticRegression(max_iter=5000), {"C": PENALTIES}, False),
    "scikit-learn's perceptron": (
        MLPClassifier((128, 128), max_iter=1000),
        {"alpha": PENALTIES},
        False,
    ),
    "the same perceptron as vat's": (VATClassifier(regularizer=None), {}, False),
    "self-training": (
        SelfTrainingClassifier(LogisticRegression(max_iter=5000)),
        {"estimator__C": PENALTIES, "threshold": [0.7, 0.9, 0.99]},
        True,
    ),
    "label spreading": (
        LabelSpreading(kernel="knn", max_iter=100),
        {"n_neighbors": [3, 7, 15, 30]},
        True,
    ),
    "vat, as it comes": (VATClassifier(), {}, True),
    "vat": (VATClassifier(), {"epsilon": EPSILONS}, True),
    "vat + entropy": (VATClassifier(regularizer=["vat", "entropy"]), {"epsilon": EPSILONS}, True),
}


def measure(job, adult):
    """Chosen parameters, their score in cross-validation and test errors, in %."""
    rows = tabular_data.split(job["table"], job["seed"], adult)
    estimator, grid, sees_all = METHODS[job["method"]]
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=job["seed"])
    used = slice(None) if sees_all else rows.y >= 0
    folds = SemiSupervisedKFold(FOLDS, random_state=job["seed"])
    start = time.perf_counter()
    with warnings.catch_warnings():  # of grids' ends
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "invalid value encountered in divide", RuntimeWarning)
        search = GridSearchCV(estimator, grid, cv=folds).fit(rows.x[used], rows.y[used])
    return {
        "chosen": search.best_params_,
        "cross-validation error": percent(1 - search.best_score_),
        "test error": percent(np.mean(search.predict(rows.x_test) != rows.y_test)),
        "seconds": round(time.perf_counter() - start, 1),
    }


def percent(share):
    return round(100 * float(share), 3)


def summary(found):
    """A line for each method: mean test errors and standard deviations."""
    errors = defaultdict(list)
    for one in found:
        errors[one["method"], one["table"]].append(one["test error"])
    lines = []
    for method in METHODS:
        line = {"method": method}
        for table in TABLES:
            of_seeds = errors[method, table]
            label = f"{table}, {tabular_data.NUM_LABELS[table]} labels, %"
            if len(of_seeds) > 1:
                line[label] = f"{np.mean(of_seeds):.1f} ± {np.std(of_seeds, ddof=1):.1f}"
            line["seeds"] = max(line.get("seeds", 0), len(of_seeds))
        lines.append(line)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adult", type=pathlib.Path, help="the table as CSV; default: left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(10))
    parser.add_argument("--report", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    path = report.RESULTS / "accuracy" / "scikit-learn.jsonl"
    tables = [name for name in TABLES if name != "adult" or arguments.adult]
    done = results.read(path)
    for seed in arguments.seeds if not arguments.report else []:
        for table in tables:
            for method in METHODS:
                job = {"table": table, "method": method, "seed": seed}
                if not results.is_done(job, done):
                    result = {**job, **measure(job, arguments.adult)}
                    results.append(path, {**result, **report.environment()})
                    print(result, flush=True)
    lines = summary(results.read(path))
    print(report.table(lines))
    report.save("scikit_learn", lines)


if __name__ == "__main__":
    main()
