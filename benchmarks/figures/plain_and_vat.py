"""Plain training beside VAT: two moons with 8 labels, the first picture of README.

Trains the same net twice, on the labels alone and with virtual adversarial training on all 1,000
points, and draws what each says, as `results/plain_and_vat.png`.

    python -m benchmarks.figures.plain_and_vat        # half a minute on two cores
"""

import argparse

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_vat
from benchmarks import report
from examples.two_moons import EPSILON, net

METHODS = {
    "plain training": lambda: [],
    "virtual adversarial training": lambda: keras_vat.regularizers.get("vat", epsilon=EPSILON),
}


def train(regularizers, x, y, labeled, updates, seed):
    batches = keras_vat.data.semi_supervised(
        (x[labeled], y[labeled]), x, 8, 500, seed=seed, repeat=True
    )
    keras.utils.set_random_seed(seed)
    model = keras_vat.VATModel(net(), regularizers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, steps_per_execution=50)
    model.fit(batches, steps_per_epoch=updates, verbose=0, shuffle=False)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--updates", type=int, default=1000)
    arguments = parser.parse_args()

    x, y = keras_vat.data.two_moons(1000, noise=0.1, seed=arguments.seed)
    labeled = keras_vat.data.labeled_split(y, 8, seed=arguments.seed)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    rows = []
    for ax, (name, make) in zip(axes, METHODS.items(), strict=True):
        model = train(make(), x, y, labeled, arguments.updates, arguments.seed)
        error = 100 * float(np.mean(np.argmax(model.predict(x, verbose=0), -1) != y))
        rows.append({"method": name, "updates": arguments.updates, "wrong, %": error})
        keras_vat.plotting.plot_decision_boundary(model, x[labeled], y[labeled], unlabeled=x, ax=ax)
        ax.get_legend().remove()
        ax.set_title(f"{name}: {error:.1f} % of the points wrong")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels))
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.savefig(report.RESULTS / "plain_and_vat.png", dpi=110)
    print(report.table(rows))
    report.save("plain_and_vat", rows)


if __name__ == "__main__":
    main()
