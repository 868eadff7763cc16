"""Can epsilon be told from the data alone? Tuned values beside statistics of the inputs.

Tunes epsilon of VAT on four small sets (on their test rows: it is the set's best value that is
looked for), takes the papers' values for MNIST and for whitened CIFAR-10, computes statistics of
the inputs, and looks for the one of which a constant share comes closest to all of the values.

    python -m benchmarks.accuracy.epsilon_rule                     # fifteen minutes on two cores
    python -m benchmarks.accuracy.epsilon_rule --only "two moons"  # one set anew, the others stay
    python -m benchmarks.accuracy.epsilon_rule --only              # the table, nothing measured

MNIST and CIFAR-10 need TFDS_DATA_DIR.

What to expect: no rule. Whatever share of whatever statistic fits some sets misses others by more
than a factor of two.
"""

import argparse
import dataclasses
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_vat
from benchmarks import report
from benchmarks.accuracy.restart import restart
from examples import quickstart, two_moons

SAMPLE = 1000  # rows; distances between neighbours depend on how many there are


@dataclasses.dataclass(frozen=True)
class Tuned:
    """A set on which epsilon is tuned here.

    Attributes:
        load: Function of a seed: `(x, y), (x_test, y_test)`.
        classifier: Makes the network.
        num_labels: Labels in training; `None`: all, and nothing else.
        batch_sizes: Rows with labels of a batch, and rows without.
        updates: Number of updates.
        rate: Adam's learning rate; falls to 0 in the second half of the updates.
        epsilons: The grid.
    """

    load: object
    classifier: object
    num_labels: int | None
    batch_sizes: tuple
    updates: int
    rate: float
    epsilons: tuple


def digits(seed):
    return keras_vat.data.load("digits")


def points(make, noise):
    """Training and testing on the same points, as in VAT's figure 1."""
    return lambda seed: (make(1000, noise=noise, seed=seed),) * 2


def waves(seed):
    x, y = keras_vat.data.sine_waves(seed=seed)
    return (x[:1000], y[:1000]), (x[1000:], y[1000:])


SMALL = (0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.45)
TUNED = {
    "digits": Tuned(
        digits,
        quickstart.perceptron,
        50,
        (32, 128),
        600,
        0.003,
        (0.2, 0.3, 0.45, 0.6, 0.9, 1.2, 1.8, 2.5),
    ),
    "two moons": Tuned(
        points(keras_vat.data.two_moons, 0.1), two_moons.net, 8, (8, 500), 1000, 0.01, SMALL
    ),
    "two circles": Tuned(
        points(keras_vat.data.two_circles, 0.05), two_moons.net, 20, (20, 500), 1000, 0.01, SMALL
    ),
    "sine waves": Tuned(
        waves,
        keras_vat.classifiers.sine_wave_mlp,
        None,
        (20, 0),
        2500,
        0.001,
        (0.05, 0.1, 0.2, 0.3, 0.5, 0.8),
    ),
}
# Lowest and highest of the papers' values: VAT, figure 2 (supervised), the authors' code with
# 100 labels and this package's benchmarks; the code for CIFAR-10 with and without augmentation.
PUBLISHED = {"MNIST, all labels": (2.0, 2.0), "MNIST": (3.5, 5.0), "CIFAR-10, ZCA": (8.0, 10.0)}


def grid(tuned, seeds):
    """Test errors in % for every epsilon, `(epsilons, seeds)`; all trainings share one step."""
    vat = keras_vat.regularizers.VirtualAdversarialTraining(tuned.epsilons[0])
    model = keras_vat.VATModel(tuned.classifier(), vat, batch_statistics="batch")
    rate = keras_vat.optimizers.ConstantThenLinearDecay(
        tuned.rate, tuned.updates, tuned.updates // 2
    )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=50,
        jit_compile=False,
    )
    errors = np.zeros((len(tuned.epsilons), seeds))
    for seed in range(seeds):
        (x, y), test = tuned.load(seed)
        for number, epsilon in enumerate(tuned.epsilons):
            restart(model, tuned.classifier, seed)
            vat.epsilon = epsilon
            model.fit(**batches(tuned, x, y, seed), verbose=0, callbacks=reestimation(model, x))
            errors[number, seed] = 100 * (1 - model.evaluate(*test, 1000, verbose=0)[1])
        print("", seed, np.round(errors[:, seed], 1).tolist(), flush=True)
    return errors


def batches(tuned, x, y, seed):
    """Arguments of `fit`."""
    labeled, unlabeled = tuned.batch_sizes
    if tuned.num_labels is None:
        return {"x": x, "y": y, "batch_size": labeled, "epochs": tuned.updates * labeled // len(x)}
    rows = keras_vat.data.labeled_split(y, tuned.num_labels, seed=seed)
    pairs = keras_vat.data.semi_supervised(
        (x[rows], y[rows]), x, labeled, unlabeled, seed=seed, repeat=True
    )
    return {"x": pairs, "steps_per_epoch": tuned.updates, "shuffle": False}


def reestimation(model, x):
    normalization = keras.layers.BatchNormalization
    if any(isinstance(layer, normalization) for layer in model.classifier.layers):
        return [keras_vat.callbacks.BatchNormReestimation(x, steps=20)]
    return []


def as_good_as_the_best(epsilons, errors):
    """Lowest and highest epsilon whose mean error is within a standard error of the best one's."""
    means, seeds = errors.mean(1), errors.shape[1]
    best = means.argmin()
    limit = means[best] + errors[best].std(ddof=1) / seeds**0.5
    good = [epsilon for epsilon, mean in zip(epsilons, means, strict=True) if mean <= limit]
    return min(good), max(good)


def statistics(x, y):
    """Candidates: numbers in the units of the inputs."""
    order = np.random.default_rng(0).permutation(len(x))[:SAMPLE]
    x, y = x[order].reshape(len(order), -1).astype("float64"), y[order]
    centred = x - x.mean(0)
    squares = (centred**2).sum(1)
    distances = np.maximum(squares[:, None] + squares - 2 * centred @ centred.T, 0.0) ** 0.5
    np.fill_diagonal(distances, np.inf)
    others = np.where(y[:, None] == y, np.inf, distances)
    finite = distances[np.isfinite(distances)]
    return {
        "1: the same for all": 1.0,
        "square root of the dimensions": x.shape[1] ** 0.5,
        "standard deviation of an input": float(centred.std()),
        "standard deviation of the first principal component": float(
            np.linalg.svd(centred, compute_uv=False)[0] / len(x) ** 0.5
        ),
        "mean norm after centring": float(np.mean(squares**0.5)),
        "median distance of two examples": float(np.median(finite)),
        "median distance to the nearest of 1,000": float(np.median(distances.min(1))),
        "median distance to the nearest of another class": float(np.median(others.min(1))),
    }


def published(name):
    """Training inputs and labels of a set of `PUBLISHED`."""
    (x, y), _ = keras_vat.data.load("mnist" if "MNIST" in name else "cifar10")
    if "ZCA" not in name:
        return x, y
    whitening = keras_vat.data.ZCAWhitening()
    whitening.adapt(x)
    return np.asarray(whitening(x[:SAMPLE])), y[:SAMPLE]


def measure(name, seeds):
    """What is known of a set: its best epsilons, and its statistics."""
    if name in PUBLISHED:
        return {"best": PUBLISHED[name], "statistics": statistics(*published(name))}
    tuned = TUNED[name]
    errors = grid(tuned, seeds)
    return {
        "best": as_good_as_the_best(tuned.epsilons, errors),
        "statistics": statistics(*tuned.load(0)[0]),
        "epsilons": tuned.epsilons,
        "test errors, %": errors.tolist(),
    }


def rule(best, values):
    """The share of a statistic that comes closest to all sets, and by which factor it misses.

    Args:
        best: Lowest and highest of the best epsilons of every set, `(sets, 2)`.
        values: The statistic of every set, `(sets,)`.
    """
    low, high = np.transpose(best) / values
    share = (low.max() * high.min()) ** 0.5
    return share, max(1.0, (low.max() / high.min()) ** 0.5)


def table(sets):
    """One row for each statistic: the epsilons that its best share suggests."""
    best = [found["best"] for found in sets.values()]
    shown = [f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in best]
    rows = [
        {"share": "", "of": "best values", "misses by": "", **dict(zip(sets, shown, strict=True))}
    ]
    for name in next(iter(sets.values()))["statistics"]:
        values = np.array([found["statistics"][name] for found in sets.values()])
        share, factor = rule(best, values)
        suggested = dict(zip(sets, (share * values).tolist(), strict=True))
        rows.append({"share": float(share), "of": name, "misses by": float(factor), **suggested})
    return rows[:1] + sorted(rows[1:], key=lambda row: row["misses by"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    everything = [*TUNED, *PUBLISHED]
    sets = "sets to measure anew; with none named, only the table is made of what is known"
    parser.add_argument("--only", choices=everything, nargs="*", default=everything, help=sets)
    parser.add_argument("--seeds", type=int, default=4)
    arguments = parser.parse_args()

    path = report.RESULTS / "epsilon_rule.json"
    known = json.loads(path.read_text())["sets"] if path.exists() else {}
    for name in arguments.only:
        print(name, flush=True)
        known[name] = measure(name, arguments.seeds)
    known = {name: known[name] for name in everything if name in known}
    rows = table(known)
    print(report.table(rows))
    report.save("epsilon_rule", rows, sets=known)


if __name__ == "__main__":
    main()
