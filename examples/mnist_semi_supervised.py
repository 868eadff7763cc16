"""MNIST with 100 or 1,000 labels: the semi-supervised experiment of the VAT paper
===============================================================================

Real MNIST (TFDS; set TFDS_DATA_DIR), the paper's perceptron 784-1200-600-300-150 with Gaussian
noise 0.5 on the hidden layers, batches of 64 labelled and 256 of all training images, learning
rate 0.002 that falls to zero over the second half. The paper runs 100,000 updates; an update of
VAT takes about 0.05 s on two cores.

What to expect after a few thousand updates: supervised training stays above 20 % test error with
100 labels, VAT falls far below it.

::

    python examples/mnist_semi_supervised.py --method vat --labels 100 --updates 6000
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import keras_vat
from keras_vat import regularizers
from keras_vat.classifiers.published_settings import MNIST_100_LABELS as PAPER

METHODS = {
    "supervised": lambda epsilon: [],
    "rpt": lambda epsilon: [regularizers.get("rpt", epsilon=epsilon)],
    "vat": lambda epsilon: [regularizers.get("vat", epsilon=epsilon)],
    "vat+entropy": lambda epsilon: [
        regularizers.get("vat", epsilon=epsilon),
        regularizers.get("entropy"),
    ],
}


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--method", choices=METHODS, default="vat", help="the penalty")
    parser.add_argument(
        "--epsilon", type=float, default=PAPER.epsilon, help="norm of r; rpt wants 10 or more"
    )
    parser.add_argument("--labels", type=int, choices=(100, 1000), default=100, help="how many")
    parser.add_argument("--updates", type=int, default=6000, help="whole epochs of them")
    parser.add_argument("--seed", type=int, default=0, help="of labels, weights and batches")
    parser.add_argument(
        "--updates_per_epoch", type=int, default=500, help="steps between two lines"
    )
    arguments = parser.parse_args()
    steps = min(arguments.updates_per_epoch, arguments.updates)
    if arguments.updates % steps:
        parser.error(f"--updates must be a multiple of --updates_per_epoch, {steps}")

    (x, y), (x_test, y_test) = keras_vat.data.load("mnist")
    labeled = keras_vat.data.labeled_split(y, arguments.labels, seed=arguments.seed)
    batches = keras_vat.data.semi_supervised(
        (x[labeled], y[labeled]),
        x,
        PAPER.labeled_batch_size,
        PAPER.unlabeled_batch_size or PAPER.labeled_batch_size,
        seed=arguments.seed,
        repeat=True,
    )

    keras.utils.set_random_seed(arguments.seed)
    classifier = keras_vat.classifiers.mnist_mlp(noise=PAPER.noise)
    method = METHODS[arguments.method](arguments.epsilon)
    model = keras_vat.VATModel(classifier, method, batch_statistics="batch")  # the paper's policy
    rate = keras_vat.optimizers.ConstantThenLinearDecay(
        PAPER.learning_rate, arguments.updates, arguments.updates // 2
    )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(
        batches,
        steps_per_epoch=steps,
        epochs=arguments.updates // steps,
        validation_data=(x_test, y_test),
        validation_batch_size=1000,
        callbacks=[keras_vat.callbacks.BatchNormReestimation(x, batch_size=256)],
    ).history
    best = 100 * (1 - max(history["val_accuracy"]))
    last = 100 * (1 - model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1])
    print(
        f"{arguments.method}, {arguments.labels} labels, {arguments.updates} updates: test error "
        f"{last:.2f} % at the end (batch statistics re-estimated), {best:.2f} % at best"
    )


if __name__ == "__main__":
    main()
