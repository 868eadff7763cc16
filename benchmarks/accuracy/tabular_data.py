"""Tables with few labels: four that scikit-learn makes or ships, and the census data "adult"."""

import csv
import functools
from typing import NamedTuple

import numpy as np
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUM_LABELS = {"digits": 50, "wine": 30, "breast cancer": 20, "synthetic": 40, "adult": 200}
TEST_ROWS = {"digits": 500, "wine": 89, "breast cancer": 285, "synthetic": 1000, "adult": 3000}
MOST_ROWS = 5000  # to train on: label spreading compares all with all


class Rows(NamedTuple):
    """Rows of a table, standardised: those to train on, with labels or -1, and those to test."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@functools.cache
def split(name, seed, adult=None):
    """The rows of one seed.

    Args:
        name: One of `NUM_LABELS`.
        seed: Integer: which rows are for the test and which have labels; both have the classes'
            shares of the table.
        adult: Path of the table "adult" as CSV, for that one.

    Returns:
        `Rows`; columns are standardised by all rows to train on, as these need no labels.
    """
    (x, y), (x_test, y_test) = all_rows(name, seed, adult)
    labeled, _ = train_test_split(
        np.arange(len(y)), train_size=NUM_LABELS[name], stratify=y, random_state=seed
    )
    known = np.full(len(y), -1)
    known[labeled] = y[labeled]
    return Rows(x, known, x_test, y_test)


@functools.cache
def all_rows(name, seed, adult=None):
    """The same with every label: `(x, y), (x_test, y_test)`."""
    x, y, scaler = _columns(name, adult)
    x, x_test, y, y_test = train_test_split(
        x,
        y,
        train_size=min(MOST_ROWS, len(y) - TEST_ROWS[name]),
        test_size=TEST_ROWS[name],
        stratify=y,
        random_state=seed,
    )
    x = scaler.fit_transform(x).astype("float32")
    return (x, y), (scaler.transform(x_test).astype("float32"), y_test)


def _columns(name, adult):
    """Inputs, numbers of the classes, and what makes the inputs a table of standardised columns."""
    if name == "adult":
        return _read_adult(adult)
    if name == "synthetic":
        x, y = datasets.make_classification(
            2000, 20, n_informative=8, n_redundant=4, n_classes=4, class_sep=1.5, random_state=0
        )
    else:
        loaders = {
            "digits": datasets.load_digits,
            "wine": datasets.load_wine,
            "breast cancer": datasets.load_breast_cancer,
        }
        x, y = loaders[name](return_X_y=True)
    return x, y, make_pipeline(StandardScaler())


@functools.cache
def _read_adult(path):
    with open(path, encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    table = np.array(rows, dtype=object)
    numbers = [i for i in range(table.shape[1] - 1) if _is_number(table[0, i])]
    names = [i for i in range(table.shape[1] - 1) if i not in numbers]
    columns = make_column_transformer(
        (StandardScaler(), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), names),
    )
    return table[:, :-1], (table[:, -1] == ">50K").astype("int64"), columns


def _is_number(text):
    return text.lstrip("-").isdigit()
