import keras
import numpy as np
import pytest

from keras_vat.callbacks import SmoothnessMonitor

X = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


def linear_classifier(learning_rate=0.0):
    """p(y=1) = sigmoid(3 x0 + 4 x1): the worst direction is known."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    model.layers[0].set_weights([np.array([[3.0], [4.0]], "float32"), np.zeros(1, "float32")])
    model.compile(keras.optimizers.SGD(learning_rate), "binary_crossentropy")
    return model


def worst_divergence(epsilon, sign):
    """KL between Bernoullis whose logits are 5 epsilon apart, in float64."""
    a = np.float64(X) @ [3.0, 4.0]
    b = a + sign * 5.0 * epsilon
    return (a - b) / (1 + np.exp(-a)) - np.logaddexp(0, a) + np.logaddexp(0, b)


def test_mean_over_all_rows_against_the_closed_form():
    model = linear_classifier()
    monitor = SmoothnessMonitor(X, epsilon=0.01, batch_size=16)
    history = model.fit(X, Y, verbose=0, callbacks=[monitor]).history
    # The power iteration knows the line, not the sign; for a small epsilon the two are close.
    expected = [worst_divergence(0.01, sign).mean() for sign in (1, -1)]
    np.testing.assert_allclose(expected[0], expected[1], rtol=0.02)
    np.testing.assert_allclose(history["lds"], [np.mean(expected)], rtol=0.02)


def test_the_seed_makes_epochs_comparable():
    model = linear_classifier()
    callbacks = [
        SmoothnessMonitor(X, epsilon=1.0, num_power_iterations=0),
        SmoothnessMonitor(X, epsilon=1.0, num_power_iterations=0, seed=1, name="other_seed"),
    ]
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=callbacks).history
    # Random directions (K = 0): equal only if they are drawn alike each time.
    assert len(set(history["lds"])) == 1
    assert len({*history["lds"], *history["other_seed"]}) == 2


def test_follows_the_classifier():
    model = linear_classifier(learning_rate=1.0)
    model.layers[0].kernel.assign([[0.1], [0.0]])
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[SmoothnessMonitor(X, 0.1)]).history
    assert history["lds"][0] < history["lds"][1] < history["lds"][2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": 0.0}, "`epsilon` must be .* above 0. Received: epsilon=0.0"),
        ({"num_power_iterations": -1}, "`num_power_iterations` must be at least 0"),
        ({"batch_size": 0}, "`batch_size` must be at least 1. Received: batch_size=0"),
    ],
)
def test_refuses_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SmoothnessMonitor(**{"x": X, "epsilon": 1.0, **arguments})
