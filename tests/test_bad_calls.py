"""Bad calls of what trains: each is refused at once, by the argument's name.

A row is `(call, error, argument)`. The message has the argument in backticks and what was received,
and no weight has moved. What needs more of a setting than one line has a test of its own, beside
the tests of its room.
"""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vat import Forward, SemiSupervisedInputs, VATModel, regularizers
from keras_vat.callbacks import (
    AlphaWarmup,
    BatchNormReestimation,
    GeneratorPictures,
    PerturbationSummary,
    RobustnessMonitor,
    SmoothnessMonitor,
)
from keras_vat.keras_internals import seed_states
from keras_vat.perturbations import (
    AdversarialPerturbation,
    RandomPerturbation,
    VirtualAdversarialPerturbation,
)
from keras_vat.regularizers import (
    AdversarialTraining,
    FastAdversarialTraining,
    VirtualAdversarialTraining,
    VirtualMovementTraining,
)

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = np.argmax(X[:, :3], axis=1).astype("int32")
IMAGES = np.zeros((3, 4, 4, 1), "float32")
NAN, INFINITY = float("nan"), float("inf")


def scalar(clean, perturbed):
    return ops.sum(ops.square(clean - perturbed))


def fat(**arguments):
    return FastAdversarialTraining(1.0, 1.0, **arguments)


def vat(**arguments):
    return VirtualAdversarialTraining(1.0, **arguments)


def assign(thing, name, value):
    setattr(thing, name, value)


def halves(labeled, unlabeled):
    return SemiSupervisedInputs(labeled, unlabeled)


CONSTRUCTORS = [
    (lambda: regularizers.get("vat", "at"), TypeError, "name"),
    (lambda: regularizers.get(["vat"]), ValueError, "name"),
    (lambda: regularizers.get(), ValueError, "name"),
    (lambda: vat(clip=("a", "b")), ValueError, "clip"),
    (lambda: vat(clip=(None, 1)), ValueError, "clip"),
    (lambda: vat(clip=(0.0, NAN)), ValueError, "clip"),
    (lambda: vat(clip=3), ValueError, "clip"),
    (lambda: vat(mask="abc"), ValueError, "mask"),
    (lambda: vat(mask=[1.0, NAN]), ValueError, "mask"),
    (lambda: vat(mask={"a": [INFINITY]}), ValueError, "mask"),
    (lambda: vat(mask=[0.0, 0.0]), ValueError, "mask"),
    (lambda: vat(mask={"a": [0], "b": [0, 0]}), ValueError, "mask"),
    (lambda: vat(curvature="exact", xi=1e-6), ValueError, "xi"),
    (lambda: fat(curvature="exact", xi=1e-6), ValueError, "xi"),
    (lambda: vat(joint_norm="yes"), TypeError, "joint_norm"),
    (lambda: vat(sign_search="no"), TypeError, "sign_search"),
    (lambda: vat(sign_search=1), TypeError, "sign_search"),
    (lambda: vat(curvature=["exact"]), ValueError, "curvature"),
    (lambda: vat(name=3), ValueError, "name"),
    (lambda: fat(sign_search=None), TypeError, "sign_search"),
    (lambda: fat(threshold="a"), TypeError, "threshold"),
    (lambda: AdversarialTraining(1.0, norm=np.ones(2)), ValueError, "norm"),
    (lambda: VirtualMovementTraining(fields=None), TypeError, "fields"),
    (lambda: VirtualMovementTraining(combination=3), ValueError, "combination"),
    (lambda: assign(vat(), "weight", "1"), TypeError, "weight"),
    (lambda: assign(vat(), "weight", NAN), ValueError, "weight"),
    (lambda: assign(vat(), "epsilon", None), TypeError, "epsilon"),
    (lambda: assign(fat(), "radius", -1), ValueError, "radius"),
    (lambda: assign(fat(), "threshold", 1.0), ValueError, "threshold"),
    (lambda: assign(fat(), "bad_sample_weight", INFINITY), ValueError, "bad_sample_weight"),
    (lambda: RandomPerturbation(0.0), ValueError, "epsilon"),
    (lambda: RandomPerturbation(1.0, joint_norm=0), TypeError, "joint_norm"),
    (lambda: RandomPerturbation(1.0, seed=0.5), TypeError, "seed"),
    (lambda: Forward(3), TypeError, "classifier"),
    (lambda: AlphaWarmup(start="0"), TypeError, "start"),
    (lambda: AlphaWarmup(end=NAN), ValueError, "end"),
    (lambda: AlphaWarmup(shape=["linear"]), ValueError, "shape"),
    (lambda: AlphaWarmup(shape=None), ValueError, "shape"),
    (lambda: SmoothnessMonitor(None, 1.0), TypeError, "x"),
    (lambda: SmoothnessMonitor("digits", 1.0), TypeError, "x"),
    (lambda: SmoothnessMonitor(X[:0], 1.0), ValueError, "x"),
    (lambda: SmoothnessMonitor(X, 1.0, seed="a"), TypeError, "seed"),
    (lambda: SmoothnessMonitor(X, 1.0, name=3), TypeError, "name"),
    (lambda: RobustnessMonitor(X, Y[:5], 1.0), ValueError, "y"),
    (lambda: RobustnessMonitor(X, None, 1.0), ValueError, "y"),
    (lambda: RobustnessMonitor(iter([(X, Y)])), TypeError, "epsilon"),
    (lambda: RobustnessMonitor(X, Y, 1.0, name=""), TypeError, "name"),
    (lambda: BatchNormReestimation(None), TypeError, "x"),
    (lambda: BatchNormReestimation(X, seed="a"), TypeError, "seed"),
    (lambda: BatchNormReestimation(X, seed=-1), ValueError, "seed"),
    (lambda: GeneratorPictures(None, "p.png"), ValueError, "x"),
    (lambda: GeneratorPictures(IMAGES[:0], "p.png"), ValueError, "x"),
    (lambda: GeneratorPictures(IMAGES, 3), TypeError, "path"),
    (lambda: GeneratorPictures(IMAGES, "{Epoch}.png"), ValueError, "path"),
    (lambda: GeneratorPictures(IMAGES, "{}.png"), ValueError, "path"),
    (lambda: GeneratorPictures(IMAGES, "{epoch.png"), ValueError, "path"),
    (lambda: PerturbationSummary(X, "logs", vat()), TypeError, "perturbation"),
    (lambda: PerturbationSummary(X, "logs", "virtual"), TypeError, "perturbation"),
    (lambda: PerturbationSummary(X, "logs", AdversarialPerturbation(0.6)), ValueError, "y"),
]

WITH_A_MODEL = [
    (lambda model: VATModel(model.classifier, vat(), output=None), ValueError, "output"),
    (lambda model: VATModel(model.classifier, vat(), output=np.ones(2)), ValueError, "output"),
    (
        lambda model: VATModel(model.classifier, batch_statistics=True),
        ValueError,
        "batch_statistics",
    ),
    (
        lambda model: VATModel(model.classifier, nonfinite_penalty=None),
        ValueError,
        "nonfinite_penalty",
    ),
    (lambda model: VATModel(model.classifier, name=3), ValueError, "name"),
    (lambda model: model.fit(None, Y), ValueError, "x"),
    (lambda model: model.fit(X[:0], Y[:0]), ValueError, "x"),
    (lambda model: model.fit(halves(X[:5], X), Y[:5]), ValueError, "x"),
    (lambda model: model.fit((X[:5], X), Y[:5]), ValueError, "x"),
    (lambda model: model.fit([X, X], Y), ValueError, "x"),
    (lambda model: model.fit(X, np.where(Y == 0, -1, Y)), ValueError, "y"),
    (lambda model: model.fit(X, (Y + 1)[:, None]), ValueError, "y"),
    (lambda model: model.fit(X, Y.astype(str)), TypeError, "y"),
    (lambda model: model.train_on_batch(None, Y), ValueError, "x"),
    (lambda model: model.train_on_batch(X[:0], Y[:0]), ValueError, "x"),
    (lambda model: model.train_on_batch(X, Y - 1), ValueError, "y"),
    (lambda model: model.train_on_batch(X, Y + 1.0), ValueError, "y"),
    (lambda model: model.train_on_batch(halves(X, X), Y + 1), ValueError, "y"),
    (lambda model: model.train_on_batch(halves(None, X), Y), ValueError, "labeled"),
    (
        lambda model: model.fit(X, Y, callbacks=[AlphaWarmup(regularizer=3)]),
        ValueError,
        "regularizer",
    ),
    (lambda model: vat().penalty(model, None), TypeError, "x"),
    (lambda model: vat().penalty(model, []), TypeError, "x"),
    (lambda model: vat().penalty(model, X > 0), TypeError, "x"),
    (lambda model: vat(divergence=scalar).penalty(model, X), ValueError, "divergence"),
    (lambda model: AdversarialTraining(1.0).penalty(model, X, Y[:5]), ValueError, "y"),
    (
        lambda model: VirtualAdversarialPerturbation(1.0, divergence=scalar, sign_search=True)(
            model, X
        ),
        ValueError,
        "divergence",
    ),
    (lambda model: AdversarialPerturbation(1.0)(model, X), ValueError, "y"),
    (lambda model: RandomPerturbation(1.0).perturb(model, (X, Y)), ValueError, "x"),
    (lambda model: vat().penalty(model, [X, Y]), ValueError, "x"),
    (lambda model: model.fit(X, Y, callbacks=[SmoothnessMonitor((X, Y), 1.0)]), ValueError, "x"),
    (lambda model: RandomPerturbation(1.0)(model, Y), TypeError, "x"),
    (lambda model: RandomPerturbation(1.0).perturb(model.call, X), TypeError, "classifier"),
]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential(
        [keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dense(3)]
    )
    model = VATModel(classifier, vat())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def assert_refused(call, error, argument):
    with pytest.raises(error, match=f"(?s)`{argument}`.*Received") as refused:
        call()
    assert type(refused.value) is error


@pytest.mark.parametrize("call, error, argument", CONSTRUCTORS)
def test_constructors(call, error, argument):
    assert_refused(call, error, argument)


@pytest.mark.parametrize("call, error, argument", WITH_A_MODEL)
def test_calls_with_a_model(model, call, error, argument):
    before = state(model)
    assert_refused(lambda: call(model), error, argument)
    for now, then in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(now, then)


def state(model):
    """Weights, moving averages, metrics, the regularizers' numbers, the optimizer, all seeds."""
    seeds = [*seed_states(model.classifier), *seed_states(model.regularizers[0])]
    variables = [*model.variables, *model.optimizer.variables, *seeds]
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def test_labels_that_the_loss_ignores_are_accepted(make_vat_model, rows):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    model = make_vat_model(vat(), loss=loss)
    y = np.where(rows.y == 0, -1, rows.y)
    assert np.isfinite(model.train_on_batch(rows.x, y, return_dict=True)["loss"])
    with pytest.raises(ValueError, match="down to -2"):
        model.fit(rows.x, y - 1)
