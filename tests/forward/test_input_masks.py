"""What `Masking` takes for padding is left alone."""

import keras
import numpy as np
import pytest
from golden.quick import QUICK
from keras import layers, ops

from keras_vat import VATModel, perturbations, regularizers
from keras_vat.forward import Forward

EPSILON = 2.0
LENGTHS = np.array([5, 3, 1, 4, 0, 2])


def recurrent(kind="functional"):
    keras.utils.set_random_seed(0)
    if kind == "sequential":
        stack = [keras.Input((5, 3)), layers.Masking(), layers.LSTM(4), layers.Dense(3)]
        return keras.Sequential(stack)
    sequence, fact = keras.Input((5, 3), name="b"), keras.Input((2,), name="a")
    state = layers.LSTM(4)(layers.Masking()(sequence))
    inputs = {"b": sequence, "a": fact}
    return keras.Model(inputs, layers.Dense(3)(ops.concatenate([state, fact], -1)))


@pytest.fixture
def padded():
    x = np.random.default_rng(0).normal(size=(6, 5, 3)).astype("float32")
    return np.where(np.arange(5)[:, None] < LENGTHS[:, None, None], x, 0.0).astype("float32")


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "make, settings",
    [
        (perturbations.RandomPerturbation, {}),
        (perturbations.AdversarialPerturbation, {}),
        (perturbations.AdversarialPerturbation, {"norm": "linf"}),
        *(
            (perturbations.VirtualAdversarialPerturbation, {"curvature": curvature})
            for curvature in ("auto", "exact", "logit_difference", "finite_difference")
        ),
    ],
)
def test_padding_stays_as_it_was(padded, make, settings, training):
    r = make(EPSILON, seed=0, **settings)(
        Forward(recurrent("sequential"), training=training), padded, np.arange(6) % 3
    )
    r = ops.convert_to_numpy(r)
    padding = np.arange(5) >= LENGTHS[:, None]
    assert not r[padding].any()
    if settings.get("norm") == "linf":
        assert np.all(np.abs(r[~padding]) == EPSILON)
    else:
        norms = np.sqrt(np.sum(r**2, (1, 2)))
        np.testing.assert_allclose(norms, np.where(LENGTHS > 0, EPSILON, 0.0), rtol=1e-5)


def test_only_the_inputs_that_are_masked(padded):
    x = {"b": padded, "a": np.ones((6, 2), "float32")}
    r = perturbations.RandomPerturbation(EPSILON, seed=0)(recurrent(), x)
    assert not ops.convert_to_numpy(r["b"])[padded == 0].any()
    assert np.all(ops.convert_to_numpy(r["a"]) != 0)


def test_a_longer_padding_changes_no_penalty(padded):
    classifier = recurrent("sequential")
    longer = keras.Sequential([keras.Input((9, 3)), *classifier.layers])
    settings = {"curvature": "exact", "num_power_iterations": 20, "sign_search": True}
    method = regularizers.get("vat", epsilon=EPSILON, **settings)
    extended = np.pad(padded, ((0, 0), (0, 4), (0, 0)))
    expected, found = method.penalty(classifier, padded), method.penalty(longer, extended)
    np.testing.assert_allclose(found, expected, rtol=1e-2)


def tagger(steps=5, activation=None):
    """An answer for every step, and the mask goes with it."""
    keras.utils.set_random_seed(0)
    state = layers.LSTM(4, return_sequences=True)
    return keras.Sequential(
        [keras.Input((steps, 3)), layers.Masking(), state, layers.Dense(3, activation)]
    )


METHODS = {
    "at": {"epsilon": EPSILON},
    "entropy": {},
    "vat": {
        "epsilon": EPSILON,
        "curvature": "exact",
        "num_power_iterations": 10,
        "sign_search": True,
    },
    "vmt": {"fields": "shift"},
}


TRAINED = {"vat": {"epsilon": EPSILON, "curvature": "logit_difference", "seed": 3}, "entropy": {}}


@pytest.mark.parametrize("activation", [None, "softmax"])
@pytest.mark.parametrize("name", METHODS)
def test_answers_for_padding_do_not_count(padded, name, activation):
    classifier, longer = tagger(activation=activation), tagger(9, activation)
    longer.set_weights(classifier.get_weights())
    extended = np.pad(padded, ((0, 0), (0, 4), (0, 0)))
    y = np.random.default_rng(1).integers(0, 3, (6, 9))
    method = regularizers.get(name, **METHODS[name])
    rows = LENGTHS < 5  # of the longest, a movement's borders come to lie elsewhere
    expected = method.penalty(classifier, padded[rows], y[rows, :5])
    found = method.penalty(longer, extended[rows], y[rows])
    np.testing.assert_allclose(found, expected, rtol=1e-2)


def test_entropy_is_the_mean_over_rows_of_the_mean_over_what_is_no_padding(padded):
    classifier = tagger(activation="softmax")
    p = np.asarray(classifier.predict(padded, verbose=0), "float64")
    entropies = -np.sum(p * np.log(p), -1)
    means = np.sum(np.where(np.arange(5) < LENGTHS[:, None], entropies, 0), 1)[LENGTHS > 0]
    expected = np.mean(means / LENGTHS[LENGTHS > 0])  # one row is nothing but padding
    found = regularizers.get("entropy").penalty(classifier, padded)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_training_of_an_answer_for_every_step(padded):
    """What a compiled fit logs is the penalty of the batch, padding left out."""
    classifier, y = tagger(), np.random.default_rng(1).integers(0, 3, (6, 5))
    expected = {
        name: float(regularizers.get(name, **settings).penalty(classifier, padded))
        for name, settings in TRAINED.items()
    }
    model = VATModel(classifier, [regularizers.get(name, **TRAINED[name]) for name in TRAINED])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    history = model.fit(padded, y, shuffle=False, verbose=0).history
    found = {name: history[name][0] for name in TRAINED}
    assert found == pytest.approx(expected, rel=1e-3)


def test_training(padded):
    classifier = recurrent("sequential")
    expected = float(regularizers.get("vat", **TRAINED["vat"]).penalty(classifier, padded))
    model = VATModel(classifier, regularizers.get("vat", **TRAINED["vat"]))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, **QUICK)
    history = model.fit(padded, np.arange(6) % 3, shuffle=False, verbose=0).history
    assert history["vat"][0] == pytest.approx(expected, rel=1e-3)
