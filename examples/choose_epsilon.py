"""Choosing epsilon on validation data: handwritten digits with 100 labels
=======================================================================

The VAT paper advises to search for epsilon alone and to leave alpha (`weight`) at 1 (section 4.2).
So does this: a plain grid in steps of two, on the digits bundled with scikit-learn. Half of the
labelled images are held out, in two ways; every epsilon is trained at the full number of updates,
since short trainings prefer other values. The chosen one is trained with all labels, and only then
is the test set looked at. Offline; under two minutes on two cores.

What to expect: of 0.3 and 0.6, which err alike on the held-out images, the larger one is chosen.
Beyond a factor of two errors rise on both sides, though not evenly: fifty images are a coarse
measure. Trained with all labels, VAT halves the test error of supervised training.

::

    python examples/choose_epsilon.py
    python examples/choose_epsilon.py --epsilons 0.3 0.45 0.6 0.9 --splits 5     # a closer look
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_vat


def perceptron():
    layers = keras.layers
    hidden = [
        layer
        for units in (128, 64)
        for layer in (layers.Dense(units), layers.BatchNormalization(), layers.ReLU())
    ]
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), *hidden, layers.Dense(10)])


def train(labeled, unlabeled, epsilon, updates, seed):
    """Trains with VAT; with `epsilon=None` without."""
    vat = [] if epsilon is None else keras_vat.regularizers.VirtualAdversarialTraining(epsilon)
    keras.utils.set_random_seed(seed)
    model = keras_vat.VATModel(perceptron(), vat)
    model.compile(
        keras.optimizers.Adam(
            keras_vat.optimizers.ConstantThenLinearDecay(0.003, updates, updates // 2)
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=50,
    )
    model.fit(
        keras_vat.data.semi_supervised(labeled, unlabeled, seed=seed, repeat=True),
        steps_per_epoch=updates,
        verbose=0,
    )
    return model


def error(model, x, y):
    """Test or validation error in %."""
    return 100 * (1 - model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"])


def validation_errors(x, y, labeled, epsilon, arguments):
    """One for each way to hold out half of the labelled rows."""
    errors = []
    for split in range(arguments.splits):
        chosen = keras_vat.data.labeled_split(y[labeled], len(labeled) // 2, seed=split)
        held_out, rest = labeled[chosen], np.delete(labeled, chosen)
        unlabeled = np.delete(x, held_out, axis=0)  # not even their images are trained on
        model = train((x[rest], y[rest]), unlabeled, epsilon, arguments.updates, seed=split)
        errors.append(error(model, x[held_out], y[held_out]))
    return errors


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    grid = [0.15, 0.3, 0.6, 1.2, 2.4, 4.8]
    parser.add_argument("--epsilons", type=float, nargs="+", default=grid, help="values to try")
    parser.add_argument("--labels", type=int, default=100, help="labelled images")
    parser.add_argument("--splits", type=int, default=2, help="draws of validation rows")
    parser.add_argument("--updates", type=int, default=600, help="steps of each training")
    arguments = parser.parse_args()

    (x, y), test = keras_vat.data.load("digits")
    labeled = keras_vat.data.labeled_split(y, arguments.labels, seed=0)
    means = {}
    print("epsilon   validation error in %, one column for each split, then the mean")
    for epsilon in arguments.epsilons:
        errors = validation_errors(x, y, labeled, epsilon, arguments)
        means[epsilon] = round(float(np.mean(errors)), 4)
        columns = "".join(f"{value:7.1f}" for value in errors)
        print(f"{epsilon:7g}{columns}   |{means[epsilon]:6.1f}", flush=True)

    # Of equal ones the largest: what is smoother at the same error.
    best = max(epsilon for epsilon in means if means[epsilon] == min(means.values()))
    print(f"chosen: {best:g}. Test error in %, trained with all {arguments.labels} labels:")
    for name, epsilon in (("supervised", None), (f"vat, epsilon {best:g}", best)):
        model = train((x[labeled], y[labeled]), x, epsilon, arguments.updates, seed=0)
        print(f"{name:20}{error(model, *test):6.1f}", flush=True)


if __name__ == "__main__":
    main()
