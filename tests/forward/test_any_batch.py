"""Whatever is in a batch, no NaN reaches a weight, and good batches train."""

import keras
import numpy as np
import pytest
from golden import hostile

from keras_vat import SemiSupervisedInputs, VATModel, regularizers

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

SHAPE = (4, 2)
METHODS = {
    "vat": lambda: regularizers.VirtualAdversarialTraining(0.5, seed=1),
    "vat, exact": lambda: regularizers.VirtualAdversarialTraining(0.5, curvature="exact", seed=1),
    "rpt": lambda: regularizers.RandomPerturbationTraining(0.5, seed=1),
    "at": lambda: regularizers.AdversarialTraining(0.5),
    "fat": lambda: regularizers.FastAdversarialTraining(0.5, 1.0, seed=1),
    "vmt": lambda: regularizers.VirtualMovementTraining("shift", seed=1),
    "entropy": lambda: regularizers.EntropyMinimization(),
}
few = hypothesis.settings(
    max_examples=20,
    phases=[hypothesis.Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
sizes = st.sampled_from([1, 2, 3, 7])
kinds = st.sampled_from(sorted(hostile.INPUTS))


def compiled(method, classifier, **settings):
    model = VATModel(classifier, METHODS[method](), **settings)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss, run_eagerly=True)
    return model


def all_finite(arrays):
    return all(np.all(np.isfinite(array)) for array in arrays)


@few
@hypothesis.given(
    method=st.sampled_from(sorted(METHODS)),
    kind=kinds,
    unlabeled_kind=kinds,
    rows=sizes,
    unlabeled_rows=st.sampled_from([None, 0, 1, 5]),
    logits=st.sampled_from(sorted(hostile.LOGITS)),
    batch_norm=st.booleans(),
    one_class=st.booleans(),
)
def test_good_batches_train(
    method, kind, unlabeled_kind, rows, unlabeled_rows, logits, batch_norm, one_class
):
    model = compiled(method, hostile.classifier(SHAPE, logits, batch_norm=batch_norm))
    x = hostile.inputs(kind, rows, SHAPE)
    if unlabeled_rows is not None:
        x = SemiSupervisedInputs(x, hostile.inputs(unlabeled_kind, unlabeled_rows, SHAPE, 1))
    y = np.zeros(rows, "int32") if one_class else (np.arange(rows) % 3).astype("int32")
    logs = model.train_on_batch(x, y, return_dict=True)
    assert all_finite(logs.values()), logs
    assert all_finite(model.get_weights())
    if unlabeled_rows == 0 and method not in ("at",):
        assert logs[model._penalty_names[0]] == 0.0


@few
@hypothesis.given(
    method=st.sampled_from(sorted(METHODS)),
    value=st.sampled_from([float("nan"), float("inf"), float("-inf")]),
    half=st.sampled_from(["all", "labeled", "unlabeled"]),
    rows=sizes,
    place=st.integers(0, 7),
    batch_norm=st.booleans(),
    skip=st.booleans(),
)
def test_broken_pixels_never_reach_a_weight(method, value, half, rows, place, batch_norm, skip):
    policy = "skip" if skip else "raise"
    classifier = hostile.classifier(SHAPE, batch_norm=batch_norm)
    model = compiled(method, classifier, nonfinite_penalty=policy)
    good = hostile.inputs("normal", rows, SHAPE)
    broken = good.copy()
    broken[-1].flat[place] = value
    x = broken
    if half != "all":
        x = SemiSupervisedInputs(*((broken, good) if half == "labeled" else (good, broken)))
    y = (np.arange(rows) % 3).astype("int32")
    before = classifier.get_weights()
    try:
        logs = model.train_on_batch(x, y, return_dict=True)
        refused = skip and logs["skipped_steps"] == 1.0
    except FloatingPointError as error:
        assert not skip and "not finite" in str(error)
        refused = True
    assert all_finite(model.get_weights())
    assert all_finite(variable.value for variable in model.optimizer.variables)
    if refused:
        for now, then in zip(classifier.get_weights(), before, strict=True):
            np.testing.assert_array_equal(now, then)
    # A NaN is refused by whatever sees it; the labelled rows are seen by the loss.
    unseen = half == "unlabeled" and METHODS[method]().requires_labels
    if np.isnan(value):
        assert refused != unseen
    # And the model is as good as before.
    good_logs = model.train_on_batch(good, y, return_dict=True)
    assert all_finite(good_logs.values())
    assert any(
        np.any(now != then) for now, then in zip(classifier.get_weights(), before, strict=True)
    )


HALVES = (slice(0, 3), slice(3, 6))


class Batches(keras.utils.PyDataset):
    """Two batches of three labelled rows."""

    def __init__(self, inputs, y):
        super().__init__()
        self.inputs, self.y = inputs, y

    def __len__(self):
        return 2

    def __getitem__(self, number):
        return self.inputs[number], self.y[HALVES[number]]


@pytest.mark.parametrize("policy", ["raise", "skip"])
@pytest.mark.parametrize("semi_supervised", [False, True])
def test_in_a_compiled_fit(policy, semi_supervised):
    """The supervised loss alone is broken where the regularizer sees other rows."""
    classifier = hostile.classifier(SHAPE, batch_norm=True)
    model = VATModel(classifier, METHODS["vat"](), nonfinite_penalty=policy)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    x, more = (hostile.inputs("normal", 6, SHAPE, seed) for seed in (0, 1))
    x[3, 0, 0] = np.nan
    y = (np.arange(6) % 3).astype("int32")

    batches = Batches(
        [(SemiSupervisedInputs(x[i], more) if semi_supervised else x[i]) for i in HALVES], y
    )

    if policy == "skip":
        logs = model.fit(batches, shuffle=False, verbose=0).history
        assert logs["skipped_steps"] == [1.0] and all_finite(logs.values())
    else:
        name = "supervised loss" if semi_supervised else "penalty of regularizer 'vat'"
        with pytest.raises(FloatingPointError, match=f"The {name} is not finite.*left as they"):
            model.fit(batches, shuffle=False, verbose=0)
    assert all_finite(classifier.get_weights())
    assert int(model.optimizer.iterations) == 1


@pytest.mark.parametrize("settings", [{"run_eagerly": True}, {"jit_compile": False}])
def test_gradients_of_a_finite_loss_that_are_not_finite(settings):
    """A unit that an infinite pixel saturates has a finite output and no gradient."""
    classifier = hostile.classifier(SHAPE)
    model = VATModel(classifier, METHODS["entropy"]())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, **settings)
    x = hostile.inputs("normal", 3, SHAPE)
    x[0, 0, 0] = np.inf
    before = classifier.get_weights()
    with pytest.raises(FloatingPointError, match="The gradient of the loss is not finite"):
        model.train_on_batch(x, np.arange(3))
    for now, then in zip(classifier.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    x[0, 0, 0] = 0.0
    assert np.isfinite(model.train_on_batch(x, np.arange(3), return_dict=True)["loss"])
