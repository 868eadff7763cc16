"""The data, networks and trainings behind the figures; every model is trained once."""

import dataclasses
import functools

import keras

import keras_vat
from benchmarks.accuracy.restart import restart
from examples.quickstart import perceptron
from keras_vat import callbacks, regularizers

METHODS = {
    "supervised": lambda epsilon, weight: [],
    "VAT": lambda epsilon, weight: [
        regularizers.VirtualAdversarialTraining(epsilon, weight=weight, seed=0)
    ],
    "RPT, S = 9": lambda epsilon, weight: [  # the mean of nine, as nine of a ninth
        regularizers.RandomPerturbationTraining(epsilon, weight / 9, name=f"rpt_{i}", seed=i)
        for i in range(9)
    ],
    "VMT": lambda epsilon, weight: [regularizers.VirtualMovementTraining(weight=weight, seed=0)],
}


@dataclasses.dataclass(frozen=True)
class Setup:
    """What the figures are drawn from.

    Attributes:
        data: Name for `keras_vat.data.load`.
        classifier: Makes the network.
        rows: Number of training rows at most; all of them have labels, but for `few_labels`.
        epsilon: Size of the perturbation in supervised training.
        radius: From images to their bad samples.
        epsilons: Sizes to compare in training with few labels.
        sizes: Sizes for the curves of robustness.
        epochs: Epochs of supervised training, in batches of 100.
        few_labels: Number of labels in semi-supervised training.
        updates: Number of its updates, of 32 rows with and 128 without labels.
        seeds: Number of its seeds.
        gradients: Number of gradients whose noise is measured.
    """

    data: str
    classifier: object
    rows: int
    epsilon: float
    radius: float
    epsilons: tuple
    sizes: tuple
    epochs: int
    few_labels: int
    updates: int
    seeds: int
    gradients: int = 100

    def quick(self):
        """The same in a fraction of the time, to see whether the command works."""
        less = {"epochs": 4, "updates": 100, "seeds": 1, "gradients": 20}
        fewer = {"epsilons": self.epsilons[1::3], "rows": min(self.rows, 2000)}
        return dataclasses.replace(self, **less, **fewer)


SETUPS = {
    "digits": Setup(
        data="digits",
        classifier=perceptron,
        rows=1297,
        epsilon=0.6,
        radius=0.8,
        epsilons=(0.1, 0.2, 0.4, 0.6, 1.0, 1.6, 2.5, 4.0),
        sizes=(0.03, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 7.0),
        epochs=40,
        few_labels=50,
        updates=400,
        seeds=3,
    ),
    "mnist": Setup(
        data="mnist",
        classifier=keras_vat.classifiers.mnist_mlp,
        rows=10_000,
        epsilon=2.0,
        radius=2.0,
        epsilons=(0.5, 1.0, 2.0, 3.5, 5.0, 8.0, 12.0),
        sizes=(0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0),
        epochs=20,
        few_labels=100,
        updates=2000,
        seeds=1,
    ),
}


@functools.cache
def load(setup):
    """The first rows for training, and at most 1,000 for testing."""
    (x, y), (x_test, y_test) = keras_vat.data.load(setup.data)
    return (x[: setup.rows], y[: setup.rows]), (x_test[:1000], y_test[:1000])


@functools.cache
def supervised(setup, method, weight=1.0, watch=()):
    """Trains with all labels; returns the classifier and what was logged.

    Args:
        setup: The `Setup`.
        method: Key of `METHODS`.
        weight: Weight of the regularizer (alpha).
        watch: More callbacks for `fit`, a tuple.
    """
    (x, y), test = load(setup)
    model = _compiled(setup, METHODS[method](setup.epsilon, weight), seed=0)
    monitor = callbacks.SmoothnessMonitor(test[0], setup.epsilon)
    history = model.fit(
        x,
        y,
        batch_size=100,
        epochs=setup.epochs,
        validation_data=test,
        verbose=0,
        callbacks=[monitor, *watch],
    ).history
    return model.classifier, {
        "test error, %": [100 * (1 - accuracy) for accuracy in history["val_accuracy"]],
        "lds": history["lds"],
    }


@functools.cache
def semi_supervised(setup, epsilon, weight=1.0, seed=0):
    """Trains with few labels and VAT; returns the classifier and its test error in %."""
    (x, y), test = load(setup)
    model = _semi_supervised_model(setup)
    classifier = restart(model, setup.classifier, seed)  # first: the batches' order hangs on it
    labeled = keras_vat.data.labeled_split(y, setup.few_labels, seed=seed)
    batches = keras_vat.data.semi_supervised((x[labeled], y[labeled]), x, seed=seed, repeat=True)
    model.regularizers[0].epsilon, model.regularizers[0].weight = epsilon, weight
    model.fit(
        batches,
        steps_per_epoch=setup.updates,
        verbose=0,
        shuffle=False,
        callbacks=[callbacks.BatchNormReestimation(x, steps=20)],
    )
    classifier.set_weights(model.classifier.get_weights())
    return classifier, 100 * (1 - model.evaluate(*test, verbose=0)[1])


@functools.cache
def _semi_supervised_model(setup):
    return _compiled(setup, METHODS["VAT"](setup.epsilon, 1.0), seed=0, updates=setup.updates)


def _compiled(setup, methods, seed, updates=None):
    keras.utils.set_random_seed(seed)
    rate = 0.002
    if updates:
        rate = keras_vat.optimizers.ConstantThenLinearDecay(0.003, updates, updates // 2)
    model = keras_vat.VATModel(setup.classifier(), methods, batch_statistics="batch")
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=10 if updates else 1,
        jit_compile=False,
    )
    return model
