import keras
import numpy as np
import pytest
from golden.batches import with_iterators

from keras_vat import VATModel
from keras_vat.callbacks import RobustnessMonitor
from keras_vat.perturbations import RandomPerturbation

X = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
Y = (X @ [3.0, 4.0] + 0.5 > 0).astype("int32")


def linear_classifier(learning_rate=0.0):
    """p(y=1) = sigmoid(3 x0 + 4 x1): wrong on the other side of a line."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    model.layers[0].set_weights([np.array([[3.0], [4.0]], "float32"), np.zeros(1, "float32")])
    model.compile(keras.optimizers.SGD(learning_rate), "binary_crossentropy")
    return model


def fit(model, *monitors, epochs=1):
    return model.fit(X, Y, epochs=epochs, verbose=0, callbacks=list(monitors)).history


def share_beyond(epsilon):
    """Rows on the right side of the line and at least epsilon away from it."""
    return np.mean((2 * Y - 1) * (X @ [0.6, 0.8]) > epsilon)


def test_linear_classifiers_are_right_where_the_line_is_further_than_epsilon():
    history = fit(
        linear_classifier(),
        RobustnessMonitor(X, Y, 0.3, "adversarial", batch_size=16),
        RobustnessMonitor(X, Y, 0.6, "adversarial", name="at_0.6"),
    )
    np.testing.assert_allclose(history["robust_accuracy"], [share_beyond(0.3)], rtol=1e-6)
    np.testing.assert_allclose(history["at_0.6"], [share_beyond(0.6)], rtol=1e-6)
    assert share_beyond(0.6) < share_beyond(0.3) < share_beyond(0.0) < 1


@with_iterators
def test_datasets_are_arrays_in_batches(batched):
    dataset = batched((X, Y), 9)
    history = fit(
        linear_classifier(),
        RobustnessMonitor(X, Y, 0.3, "adversarial"),
        RobustnessMonitor(dataset, epsilon=0.3, perturbation="adversarial", name="ds"),
    )
    assert history["ds"] == history["robust_accuracy"]


def test_every_few_epochs():
    model = linear_classifier(0.1)
    history = fit(model, RobustnessMonitor(X, Y, 0.3, every=2), epochs=5)
    assert len(history["robust_accuracy"]) == 2 and len(history["loss"]) == 5


def test_epochs_start_from_the_same_directions():
    def random(epsilon):
        return RandomPerturbation(epsilon, seed=1)

    model = VATModel(linear_classifier())
    model.compile(keras.optimizers.SGD(0.0), "binary_crossentropy")
    history = fit(model, RobustnessMonitor(X, Y, 0.5, random), epochs=3)
    assert len(set(history["robust_accuracy"])) == 1
    assert share_beyond(0.5) < history["robust_accuracy"][0] < 1


def test_follows_the_classifier_and_can_be_watched_by_others():
    model = linear_classifier(1.0)
    model.layers[0].kernel.assign([[-0.1], [0.05]])
    stop = keras.callbacks.EarlyStopping("robust_accuracy", mode="max", baseline=1.1, patience=2)
    history = fit(model, RobustnessMonitor(X, Y, 0.1), stop, epochs=5)
    assert history["robust_accuracy"][0] < history["robust_accuracy"][1]
    assert len(history["loss"]) == 3 < 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": 0.0}, "`epsilon` must be .* above 0. Received: epsilon=0.0"),
        (
            {"perturbation": "fast"},
            "`perturbation` must be one of .* Received: perturbation='fast'",
        ),
        ({"every": 0}, "`every` must be at least 1. Received: every=0"),
        ({"batch_size": 0}, "`batch_size` must be at least 1. Received: batch_size=0"),
    ],
)
def test_refuses_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        RobustnessMonitor(**{"x": X, "y": Y, "epsilon": 1.0, **arguments})
