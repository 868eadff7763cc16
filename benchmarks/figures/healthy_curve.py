"""What a healthy curve of the VAT term looks like, on the digits bundled with scikit-learn.

Trains the quickstart's perceptron with 50 labels at three sizes of the perturbation and draws the
VAT term, the supervised loss and the test error over the epochs, as `results/healthy_curve.png`.

    python -m benchmarks.figures.healthy_curve        # about a minute on two cores
"""

import argparse

import keras
import matplotlib.pyplot as plt

import keras_vat
from benchmarks import report
from examples.quickstart import perceptron

EPSILONS = {"too small": 0.05, "right": 0.6, "too large": 4.0}


def train(epsilon, epochs=60, num_labels=50, seed=0):
    (x, y), test = keras_vat.data.load("digits")
    chosen = keras_vat.data.labeled_split(y, num_labels, seed=seed)
    batches = keras_vat.data.semi_supervised((x[chosen], y[chosen]), x, seed=seed)
    keras.utils.set_random_seed(seed)
    vat = keras_vat.regularizers.VirtualAdversarialTraining(epsilon)
    model = keras_vat.VATModel(perceptron(), vat)
    model.compile(
        keras.optimizers.Adam(0.002),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(
        batches, epochs=epochs, verbose=0, shuffle=False, validation_data=test
    ).history
    return {
        "vat": history["vat"],
        "supervised_loss": history["supervised_loss"],
        "test error, %": [100 * (1 - accuracy) for accuracy in history["val_accuracy"]],
    }


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    curves = {name: train(epsilon) for name, epsilon in EPSILONS.items()}
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.4))
    styles = {"too small": ("0.55", ":"), "right": ("#0072b2", "-"), "too large": ("#d55e00", "--")}
    for ax, quantity in zip(axes, curves["right"], strict=True):
        for name, curve in curves.items():
            color, line = styles[name]
            label = f"epsilon {EPSILONS[name]:g}: {name}"
            ax.plot(curve[quantity], color=color, linestyle=line, label=label)
        ax.set_xlabel("epoch")
        ax.set_title({"vat": "the VAT term (log entry `vat`), nats"}.get(quantity, quantity))
        ax.set_ylim(bottom=0)
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(report.RESULTS / "healthy_curve.png", dpi=120)
    last = [
        {"epsilon": EPSILONS[name], **{key: values[-1] for key, values in curve.items()}}
        for name, curve in curves.items()
    ]
    print(report.table(last, list(last[0])))
    report.save("healthy_curve", last, curves=curves)


if __name__ == "__main__":
    main()
