"""What `VATClassifier.fit` costs beside the same training by hand: digits, 1,000 updates.

The loops by hand are `VATModel.fit`, and the `fit` of plain Keras without VAT, on the same rows,
with steps of 50 in one execution as the estimator has them; each trains a new model in each
repetition, as a first fit does. A second fit of the estimator finds its step compiled. Then a
search over five epsilons in three folds, with fits that share what they compile, as they do, and
with fits that don't. Two minutes on two cores.

    python -m benchmarks.speed.scikit_learn
"""

import argparse
import contextlib
import time
from unittest import mock

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

import keras_vat
from benchmarks import report
from keras_vat.wrappers import SemiSupervisedKFold, VATClassifier, compiled_models
from keras_vat.wrappers.perceptron import perceptron

UPDATES, STEPS = 1000, 50


def few_labels():
    """Digits as columns of unit variance, 50 with a label."""
    x, y = load_digits(return_X_y=True)
    x = ((x - x.mean()) / x.std()).astype("float32")
    known = np.full(len(y), -1)
    rows = keras_vat.data.labeled_split(y, 50)
    known[rows] = y[rows]
    return x, known


def estimator(x, y):
    VATClassifier(updates=UPDATES, random_state=0).fit(x, y)


def first_fit(x, y):
    with no_memory():
        estimator(x, y)


def by_hand(x, y):
    labeled = y >= 0
    model = keras_vat.VATModel(
        perceptron(x.shape[1:], 10, 0), keras_vat.regularizers.VirtualAdversarialTraining(1.0)
    )
    batches = keras_vat.data.semi_supervised((x[labeled], y[labeled]), x, seed=0, repeat=True)
    train(model, batches)


def plain_keras(x, y):
    labeled = y >= 0
    batches = keras_vat.data.semi_supervised((x[labeled], y[labeled]), x, seed=0, repeat=True)
    train(perceptron(x.shape[1:], 10, 0), batches.map(lambda rows, labels: (rows.labeled, labels)))


def train(model, batches):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], steps_per_execution=STEPS)
    model.fit(batches, steps_per_epoch=UPDATES // 10, epochs=10, shuffle=False, verbose=0)


@contextlib.contextmanager
def no_memory():
    """Nothing that was compiled before is found."""
    with mock.patch.object(compiled_models, "_idle", []):
        yield


def search(x, y, shared):
    """Seconds of a search, and how often a step was traced in it."""
    traces, step = [], keras_vat.VATModel.train_step

    def counted(self, *args):
        traces.append(1)
        return step(self, *args)

    share = compiled_models.trainable if shared else contextlib.nullcontext
    start = time.perf_counter()
    with (
        mock.patch.object(keras_vat.VATModel, "train_step", counted),
        mock.patch.object(compiled_models, "trainable", share),
        no_memory(),
    ):
        GridSearchCV(
            VATClassifier(updates=UPDATES, random_state=0),
            {"epsilon": [10.0, 3.0, 1.0, 0.3, 0.1]},
            cv=SemiSupervisedKFold(3, random_state=0),
            refit=False,
        ).fit(x, y)
    return time.perf_counter() - start, len(traces)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="of each, in turn; default: 5")
    repeats = parser.parse_args().repeats
    x, y = few_labels()
    ways = {
        "VATClassifier, first fit": first_fit,
        "VATClassifier, later fit": estimator,
        "VATModel.fit": by_hand,
        "Keras's fit, without VAT": plain_keras,
    }
    estimator(x, y)  # TensorFlow's own first use is nobody's
    seconds = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way(x, y)
            seconds[name].append(time.perf_counter() - start)
    rows = [
        {
            "fit": name,
            "seconds": report.quartiles(found)["median"],
            "of VATModel.fit": float(np.median(np.divide(found, seconds["VATModel.fit"]))),
        }
        for name, found in seconds.items()
    ]
    for name, shared in (("search of 15 fits", True), ("the same, nothing shared", False)):
        taken, traces = search(x, y, shared)
        rows.append({"fit": name, "seconds": taken, "traces of the step": traces})
    print(report.table(rows))
    report.save("scikit_learn_speed", rows)


if __name__ == "__main__":
    main()
