"""Perturbations have the promised size for every classifier and every input."""

import numpy as np
import pytest
from golden import hostile
from keras import ops

from keras_vat import evaluation, perturbations
from keras_vat.forward import norms

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

few = hypothesis.settings(
    max_examples=25,
    phases=[hypothesis.Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
shapes = st.sampled_from([(1,), (5,), (3, 2), (4, 3, 1)])
kinds = st.sampled_from(sorted(hostile.INPUTS))
logits = st.sampled_from(sorted(hostile.LOGITS))
dtypes = st.sampled_from([None, "mixed_bfloat16", "mixed_float16"])
sizes = st.sampled_from([1, 2, 3, 7])
epsilons = st.sampled_from([1e-3, 0.5, 40.0])
activations = st.sampled_from([None, "softmax"])


def lengths(r, order=2):
    return np.linalg.norm(ops.convert_to_numpy(r).reshape(len(r), -1).astype("float64"), order, 1)


@few
@hypothesis.given(
    curvature=st.sampled_from([None, "logit_difference", "exact", "finite_difference"]),
    iterations=st.integers(0, 2),
    sign_search=st.booleans(),
    epsilon=epsilons,
    kind=kinds,
    rows=sizes,
    shape=shapes,
    logits=logits,
    dtype=dtypes,
    activation=activations,
)
def test_perturbations_without_labels_have_length_epsilon(
    curvature, iterations, sign_search, epsilon, kind, rows, shape, logits, dtype, activation
):
    classifier = hostile.classifier(shape, logits, dtype, activation=activation)
    x = hostile.inputs(kind, rows, shape)
    if curvature is None:
        perturbation = perturbations.RandomPerturbation(epsilon, seed=0)
    else:
        perturbation = perturbations.VirtualAdversarialPerturbation(
            epsilon, iterations, curvature, sign_search=sign_search, seed=0
        )
    r = perturbation(classifier, x)
    assert tuple(r.shape) == x.shape
    np.testing.assert_allclose(lengths(r), epsilon, rtol=1e-5)


@few
@hypothesis.given(
    norm=st.sampled_from(["l2", "linf"]),
    epsilon=epsilons,
    kind=kinds,
    rows=sizes,
    shape=shapes,
    logits=logits,
    dtype=dtypes,
    activation=activations,
    one_class=st.booleans(),
)
def test_adversarial_perturbations_have_norm_epsilon_or_no_slope(
    norm, epsilon, kind, rows, shape, logits, dtype, activation, one_class
):
    classifier = hostile.classifier(shape, logits, dtype, activation=activation)
    x = hostile.inputs(kind, rows, shape)
    y = np.zeros(rows, "int32") if one_class else (np.arange(rows) % 3).astype("int32")
    r = perturbations.AdversarialPerturbation(epsilon, norm)(classifier, x, y)
    found = lengths(r, 2 if norm == "l2" else np.inf)
    assert np.all(np.isclose(found, epsilon, rtol=1e-5) | (found == 0.0))
    if logits == "identical":
        assert np.all(found == 0.0)


@few
@hypothesis.given(
    low=st.floats(-1.0, 0.0), width=st.floats(0.01, 2.0), masked=st.booleans(), epsilon=epsilons
)
def test_ranges_and_masks_hold(low, width, masked, epsilon):
    classifier = hostile.classifier((5,))
    x = np.random.default_rng(0).uniform(low, low + width, (4, 5)).astype("float32")
    mask = np.array([1, 0, 1, 0, 0]) if masked else None
    clip = (low, low + width)
    perturbation = perturbations.VirtualAdversarialPerturbation(
        epsilon, seed=0, clip=clip, mask=mask
    )
    moved = ops.convert_to_numpy(perturbation.perturb(classifier, x))
    assert np.all(moved >= low - 1e-6) and np.all(moved <= low + width + 1e-6)
    assert np.all(lengths(moved - x) <= epsilon * (1 + 1e-5) + 1e-6)
    if masked:
        np.testing.assert_array_equal(moved[:, [1, 3, 4]], x[:, [1, 3, 4]])


@few
@hypothesis.given(kind=kinds, rows=sizes, shape=shapes, logits=logits, batch_size=sizes)
def test_smoothness_is_finite_and_not_negative(kind, rows, shape, logits, batch_size):
    lds = evaluation.local_distributional_smoothness(
        hostile.classifier(shape, logits),
        hostile.inputs(kind, rows, shape),
        epsilon=0.5,
        batch_size=batch_size,
        seed=0,
    )
    assert lds.shape == (rows,)
    assert np.all(np.isfinite(lds)) and np.all(lds >= -1e-5)
    if logits == "identical":
        assert np.all(lds == 0.0)


@few
@hypothesis.given(
    exponents=st.lists(st.integers(-37, 37), min_size=1, max_size=4),
    broken=st.sampled_from([None, 0.0, float("nan"), float("inf")]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_unit_vectors_of_every_scale(exponents, broken, dtype):
    rows = np.array([[3.0, -4.0, 0.0]]) * 10.0 ** np.array(exponents)[:, None]
    if broken is not None:
        rows[0] = broken
    (found,) = norms.unit([ops.convert_to_tensor(rows.astype(dtype))])
    expected = np.tile([0.6, -0.8, 0.0], (len(rows), 1))
    expected[0] = 0.0 if broken is not None else expected[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
