"""Which moving averages come out of `fit`? Test errors by the policies "auto" and "batch".

    python -m benchmarks.accuracy.batch_statistics

The errors of validations within `fit`, and at each of them the error with averages that were
estimated anew over 100 batches of unlabelled rows. Every training is one line of
`results/accuracy/batch-statistics.jsonl`; the same command goes on where it was stopped. `--report`
trains nothing.
"""

import argparse
import functools
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

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
POLICIES = ("auto", "batch")
METHODS = ("none", "at", "rpt", "vat", "entropy", "fat")
VALIDATED = (1, 2, 5, 10, 20, 40)  # epochs, besides the last one


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


@functools.cache
def pretrained_weights():
    """The weights of `digits_net` after it has learned the digits 0 to 4."""
    (x, y), _ = some_digits(range(5))
    keras.utils.set_random_seed(0)
    net = digits_net()
    net.compile("adam", LOSS)
    net.fit(x, y, epochs=30, verbose=0)
    return net.get_weights()


def pretrained_net():
    """A net that knows the digits 0 to 4, with a new last layer."""
    net = digits_net()
    last = net.layers[-1].get_weights()
    net.set_weights([*pretrained_weights()[: -len(last)], *last])
    return net


def some_digits(classes):
    """Digits of these classes, numbered from 0 on, to train and to test."""
    found = []
    for x, y in keras_vat.data.load("digits"):
        rows = np.isin(y, classes)
        found.append((x[rows], np.searchsorted(classes, y[rows])))
    return found


def cifar10():
    """All images to train on, 2,000 to test."""
    train, (x, y) = keras_vat.data.load("cifar10")
    return train, (x[:2000], y[:2000])


class Task(NamedTuple):
    """A data set with few labels, a net with batch normalisation, and sizes of perturbations."""

    data: object
    classifier: object
    num_labels: int
    batches: tuple
    epochs: int
    learning_rate: float
    epsilons: dict
    steps_per_epoch: int | None = None
    dtype: str = "float32"
    methods: tuple = METHODS


TASKS = {
    "digits, 50 labels": Task(
        lambda: keras_vat.data.load("digits"),
        digits_net,
        50,
        (32, 128),
        25,
        1e-3,
        {"at": 0.6, "rpt": 1.8, "vat": 0.6, "fat": 0.6},
    ),
    "mnist, 100 labels": Task(
        lambda: keras_vat.data.load("mnist"),
        lambda: keras_vat.classifiers.mnist_mlp(noise=0.5),
        100,
        (64, 256),
        2,
        2e-3,
        {"at": 2.0, "rpt": 10.0, "vat": 5.0, "fat": 1.5},
    ),
    # FAT's statistics drift apart within some passes: benchmarks/README.md, mnist-few-labels.
    "mnist, 100 labels, 8 passes": Task(
        lambda: keras_vat.data.load("mnist"),
        lambda: keras_vat.classifiers.mnist_mlp(noise=0.5),
        100,
        (64, 256),
        8,
        2e-3,
        {"vat": 5.0, "fat": 3.0, "fat at_epsilon": 3.0},
        methods=("vat", "fat", "fat at_epsilon"),
    ),
    "fine-tuned, 20 labels": Task(
        lambda: some_digits(range(5, 10)),
        pretrained_net,
        20,
        (20, 128),
        40,
        3e-4,
        {"at": 0.6, "rpt": 1.8, "vat": 0.6, "fat": 0.6},
    ),
    "cifar10, 4000 labels": Task(
        cifar10,
        lambda: keras_vat.classifiers.conv_small("cifar10"),
        4000,
        (32, 32),
        3,
        1e-3,
        {"at": 2.0, "rpt": 8.0, "vat": 8.0, "fat": 2.0},
        steps_per_epoch=80,
        dtype="mixed_bfloat16",
    ),
}


def make(method, epsilons):
    """The regularizers of a row of the table."""
    if method == "none":
        return []
    arguments = {"epsilon": epsilons[method]} if method in epsilons else {}
    name, *curvature = method.split()
    if name == "fat":
        arguments["radius"] = 4 / 3 * arguments["epsilon"]
    if curvature:
        arguments["curvature"] = curvature[0]
    return regularizers.get(name, **arguments)


class EstimatedAnew(keras.callbacks.Callback):
    """Test errors in % in each validation: as they come out, and with averages estimated anew."""

    def __init__(self, x, batch_size, test, seed):
        super().__init__()
        self._anew = keras_vat.callbacks.BatchNormReestimation(x, batch_size=batch_size, seed=seed)
        self._test, self.validations = test, []

    def on_epoch_end(self, epoch, logs=None):
        if "val_accuracy" not in logs:
            return
        weights = self.model.get_weights()
        self._anew.set_model(self.model)
        self._anew.on_train_end()
        anew = self.model.evaluate(*self._test, verbose=0, return_dict=True)["accuracy"]
        self.model.set_weights(weights)
        errors = {"out of fit": logs["val_accuracy"], "estimated anew": anew}
        errors = {name: round(100 * (1 - accuracy), 3) for name, accuracy in errors.items()}
        self.validations.append({"epoch": epoch + 1, **errors})


def train(job):
    """Test errors in % of each validation."""
    task = TASKS[job["task"]]
    keras.utils.clear_session()
    seed = job["seed"]
    (x, y), test = task.data()
    keras.config.set_dtype_policy(task.dtype)
    keras.utils.set_random_seed(seed)
    classifier = task.classifier()
    keras.utils.set_random_seed(seed)
    rows = keras_vat.data.labeled_split(y, task.num_labels, seed=seed)
    batches = keras_vat.data.semi_supervised(
        (x[rows], y[rows]), x, *task.batches, seed=seed, steps_per_epoch=task.steps_per_epoch
    )
    model = keras_vat.VATModel(
        classifier, make(job["method"], task.epsilons), batch_statistics=job["policy"]
    )
    model.compile(keras.optimizers.Adam(task.learning_rate), LOSS, metrics=["accuracy"])
    anew = EstimatedAnew(x, task.batches[1], test, seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*averages of batch normalisation still remember")
        model.fit(
            batches,
            epochs=task.epochs,
            validation_data=test,
            validation_freq=sorted({*VALIDATED, task.epochs}),
            callbacks=[anew],
            verbose=0,
        )
    return {"validations": anew.validations}


def summary(found):
    """A line for each task and method: mean errors at the end, and the widest gaps of a seed."""
    groups = defaultdict(list)
    for one in found:
        groups[one["task"], one["method"], one["policy"]].append(one)
    lines = []
    for task in TASKS:
        for method in TASKS[task].methods:
            line = {"task": task, "method": method}
            for policy in POLICIES:
                trained = groups[task, method, policy]
                if not trained:
                    continue
                validations = [one["validations"] for one in trained]
                last = [each[-1] for each in validations]
                line[f'"{policy}", out of fit, %'] = float(np.mean([v["out of fit"] for v in last]))
                line[f'"{policy}", most above anew, points'] = widest(last)
                line[f'"{policy}", in all validations, points'] = widest(sum(validations, []))
                if policy == "auto":
                    anew = [validation["estimated anew"] for validation in last]
                    line["estimated anew, %"] = float(np.mean(anew))
                    line["seeds"] = len(trained)
            lines += [line] if "seeds" in line else []
    return lines


def widest(validations):
    """By how much errors out of `fit` are at most above those with averages estimated anew."""
    return max(one["out of fit"] - one["estimated anew"] for one in validations)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS, help="data sets")
    parser.add_argument("--methods", nargs="+", help="rows; None: all of a data set")
    parser.add_argument("--policies", nargs="+", default=POLICIES, choices=POLICIES, help="of both")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of all")
    parser.add_argument("--report", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    path = report.RESULTS / "accuracy" / "batch-statistics.jsonl"
    done = results.read(path)
    for task in arguments.tasks if not arguments.report else []:
        for seed in arguments.seeds:
            for method in arguments.methods or TASKS[task].methods:
                for policy in arguments.policies:
                    job = {"task": task, "method": method, "policy": policy, "seed": seed}
                    if not results.is_done(job, done):
                        results.append(path, {**job, **train(job), **report.environment()})
            print(f"{task}, seed {seed}", file=sys.stderr, flush=True)
    lines = summary(results.read(path))
    print(report.table(lines))
    report.save("batch_statistics", lines)


if __name__ == "__main__":
    main()
