import types

import keras
import numpy as np
import pytest
from golden.batches import with_iterators
from golden.precision import EXACT
from golden.tanh_net import TanhNet, kl, softmax
from keras import ops

from keras_vat import VATModel
from keras_vat.evaluation import perturbation_statistics
from keras_vat.perturbations import (
    AdversarialPerturbation,
    LatentVirtualAdversarialPerturbation,
    RandomPerturbation,
    VirtualAdversarialPerturbation,
)

X = ops.convert_to_tensor(np.random.default_rng(1).normal(size=(7, 5)))
IDENTITY = types.SimpleNamespace(encode=lambda x: x, decode=lambda z: z)
DOUBLING = types.SimpleNamespace(encode=lambda x: x / 2, decode=lambda z: 2 * z + 1.0)


@pytest.fixture(scope="module")
def net():
    return TanhNet()


def test_are_the_divergence_and_the_distance_of_what_is_perturbed(net):
    model = net.keras_model()
    made = {
        "VAT": lambda: VirtualAdversarialPerturbation(0.7, seed=3),
        "RPT": lambda: RandomPerturbation(2.0, seed=3, clip=(-1.0, 1.0)),
    }
    found = perturbation_statistics(model, X, {name: make() for name, make in made.items()})
    assert list(found) == ["VAT", "RPT"]
    for name, make in made.items():
        perturbed = ops.convert_to_numpy(make().perturb(model, X))
        costs = kl(softmax(net.logits(np.array(X))), softmax(net.logits(perturbed)))
        np.testing.assert_allclose(found[name].consistency_cost, costs, rtol=EXACT)
        distances = np.linalg.norm(perturbed - X, axis=1)
        np.testing.assert_allclose(found[name].distance, distances, rtol=EXACT)
    np.testing.assert_allclose(found["VAT"].distance, 0.7, rtol=1e-6)
    assert np.ptp(found["RPT"].distance) > 0.1


def test_the_latent_space_of_the_identity_is_the_input_space(net):
    found = perturbation_statistics(
        net.keras_model(),
        X,
        {
            "VAT": VirtualAdversarialPerturbation(0.7, seed=3),
            "LVAT": LatentVirtualAdversarialPerturbation(IDENTITY, 0.7, seed=3),
        },
    )
    for one, other in zip(*found.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)
    np.testing.assert_allclose(found["LVAT"].distance, 0.7, rtol=1e-6)


def test_latent_distances_are_those_between_inputs(net):
    """x becomes x + 1 + 2 r: the reconstruction differs from x already."""
    perturbation = LatentVirtualAdversarialPerturbation(DOUBLING, 0.1, seed=3)
    found = perturbation_statistics(net.keras_model(), X, {"LVAT": perturbation})["LVAT"]
    r = LatentVirtualAdversarialPerturbation(DOUBLING, 0.1, seed=3)(net.keras_model(), X)
    x, r = ops.convert_to_numpy(X), ops.convert_to_numpy(r)
    np.testing.assert_allclose(found.distance, np.linalg.norm(1 + 2 * r, axis=1), rtol=1e-6)
    costs = kl(softmax(net.logits(x)), softmax(net.logits(x + 1 + 2 * r)))
    np.testing.assert_allclose(found.consistency_cost, costs, rtol=1e-6)


@with_iterators
def test_labels_batches_datasets_and_vat_models(net, batched):
    y = np.arange(7) % 4
    perturbations = {"AT": AdversarialPerturbation(0.5)}
    whole = perturbation_statistics(net.keras_model(), X, perturbations, y)["AT"]
    assert whole.distance.shape == whole.consistency_cost.shape == (7,)
    parts = perturbation_statistics(net.keras_model(), X, perturbations, y, batch_size=3)["AT"]
    dataset = batched((X, y), 2)
    stream = perturbation_statistics(VATModel(net.keras_model()), dataset, perturbations)["AT"]
    for other in (parts, stream):
        np.testing.assert_allclose(other.consistency_cost, whole.consistency_cost, rtol=EXACT)


def test_several_inputs_are_measured_together():
    left, right = keras.Input((2,)), keras.Input((3,))
    outputs = keras.layers.Dense(2)(keras.layers.Concatenate()([left, right]))
    x = [np.ones((4, 2), "float32"), np.ones((4, 3), "float32")]
    found = perturbation_statistics(
        keras.Model([left, right], outputs), x, {"RPT": RandomPerturbation(1.5)}
    )
    np.testing.assert_allclose(found["RPT"].distance, 1.5, rtol=1e-5)


def test_seeds_stay_so_that_numbers_can_be_had_again(net):
    perturbations = {"RPT": RandomPerturbation(0.5)}
    one, other = (perturbation_statistics(net.keras_model(), X, perturbations) for _ in range(2))
    np.testing.assert_array_equal(one["RPT"].consistency_cost, other["RPT"].consistency_cost)


@pytest.mark.parametrize(
    ("perturbations", "kind", "message"),
    [
        (RandomPerturbation(1.0), TypeError, "`perturbations` must be a dictionary .*Received: "),
        ({"VAT": 1.0}, TypeError, r"of name to Perturbation.*Received: perturbations={'VAT': 1.0}"),
        ({}, ValueError, "`perturbations` must have at least one. Received: perturbations={}"),
    ],
)
def test_refuses_what_are_no_perturbations(net, perturbations, kind, message):
    with pytest.raises(kind, match=message):
        perturbation_statistics(net.keras_model(), X, perturbations)
