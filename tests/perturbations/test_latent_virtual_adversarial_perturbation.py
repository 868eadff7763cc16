"""Perturbations in a latent space against the space itself, eigenvectors and a search."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_vat
from keras_vat.autodiff import gradient
from keras_vat.perturbations import (
    LatentVirtualAdversarialPerturbation,
    VirtualAdversarialPerturbation,
)


class Linear:
    """x = z A, with A square and regular, or losing what lies outside of its rows."""

    def __init__(self, matrix):
        self.matrix = matrix

    def encode(self, x):
        return x @ np.linalg.pinv(self.matrix)

    def decode(self, z):
        return z @ self.matrix


class Identity:
    def encode(self, x):
        return x

    def decode(self, z):
        return z


class Parts(Identity):
    """Two latent parts of unlike scale."""

    def encode(self, x):
        return [x[:, :2], 10.0 * x[:, 2:]]

    def decode(self, z):
        return ops.concatenate([z[0], z[1] / 10.0], axis=-1)


def net(features=5, dtype="float64"):
    random = np.random.default_rng(7)
    layers = [
        keras.layers.Dense(16, "tanh", dtype=dtype),
        keras.layers.Dense(4, dtype=dtype),
    ]
    net = keras.Sequential([keras.Input((features,), dtype=dtype), *layers])
    net.set_weights([random.normal(size=w.shape) / np.sqrt(len(w)) for w in net.get_weights()])
    return net


def points(features=5, rows=12):
    return ops.convert_to_tensor(np.random.default_rng(0).normal(size=(rows, features)))


def softmax(logits):
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


@pytest.mark.parametrize("reference", ["input", "reconstruction"])
@pytest.mark.parametrize("curvature", ["auto", "exact", "finite_difference", "at_epsilon"])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_with_the_identity_it_is_the_perturbation_of_the_inputs(reference, curvature, k):
    classifier, x = net(), points()
    latent = LatentVirtualAdversarialPerturbation(
        Identity(), 0.5, k, reference=reference, curvature=curvature, seed=3
    )
    plain = VirtualAdversarialPerturbation(0.5, k, curvature=curvature, seed=3)
    np.testing.assert_allclose(latent(classifier, x), plain(classifier, x), atol=1e-7)


def test_what_is_found_by_a_forward_is_latent_as_well():
    """Twice as many numbers as the inputs have."""
    classifier, x = net(), points()
    wide = Linear(np.random.default_rng(1).normal(size=(10, 5)))
    one, other, third = (LatentVirtualAdversarialPerturbation(wide, 0.5, seed=3) for _ in range(3))
    r = one(classifier, x)
    assert r.shape == (12, 10)
    (found,) = other.find(keras_vat.Forward(classifier), x)
    np.testing.assert_array_equal(found, r)
    (direction,) = third.direction(keras_vat.Forward(classifier), x)
    np.testing.assert_allclose(0.5 * direction, r, rtol=1e-6)


def test_the_step_suits_the_generator_s_dtype_as_well():
    classifier = net(dtype="float32")
    x = ops.cast(points(), "float32")

    class Half(keras.layers.Layer, Identity):
        pass

    size = np.sqrt(np.mean(np.sum(np.array(x) ** 2, axis=1)))
    for dtype, share in (("mixed_bfloat16", 0.1), ("float32", 0.01)):
        perturbation = LatentVirtualAdversarialPerturbation(Half(dtype=dtype), 0.5)
        _, xi = perturbation.method(keras_vat.Forward(classifier), x)
        assert float(xi) == pytest.approx(share * size, rel=1e-5)


@pytest.mark.parametrize("curvature", ["auto", "exact"])
def test_with_a_linear_generator_the_top_eigenvector_of_its_pulled_back_hessian(curvature):
    classifier, x = net(), points()
    matrix = np.random.default_rng(1).normal(size=(5, 5)) * [5.0, 1, 1, 1, 0.2]
    r = LatentVirtualAdversarialPerturbation(Linear(matrix), 1.0, 60, curvature=curvature, seed=3)(
        classifier, x
    )
    jacobians = np.stack(
        [gradient(lambda parts, i=i: classifier(parts[0])[:, i], [x])[0] for i in range(4)], axis=1
    )
    probabilities = softmax(np.array(classifier(x)))
    for row, (jacobian, p) in enumerate(zip(jacobians, probabilities, strict=True)):
        hessian = jacobian.T @ (np.diag(p) - np.outer(p, p)) @ jacobian
        top = np.linalg.eigh(matrix @ hessian @ matrix.T)[1][:, -1]
        assert abs(top @ np.array(r[row])) == pytest.approx(1, abs=1e-4)


def divergences(classifier, generator, x, z):
    p, q = softmax(np.array(classifier(x))), softmax(np.array(classifier(generator.decode(z))))
    return np.sum(p * np.log(p / q), -1)


@pytest.mark.parametrize("epsilon", [0.1, 0.5])
def test_with_a_lossy_generator_close_to_the_best_of_a_search(epsilon):
    """On the circle of a latent plane every direction can be tried."""
    classifier, x = net(), points(rows=20)
    generator = Linear(np.random.default_rng(1).normal(size=(2, 5)))
    found = LatentVirtualAdversarialPerturbation(generator, epsilon, 1, seed=3)
    z = generator.encode(x)
    reached = divergences(classifier, generator, x, z + found(classifier, x))
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    best = np.max(
        [
            divergences(classifier, generator, x, z + epsilon * np.array([np.cos(a), np.sin(a)]))
            for a in angles
        ],
        axis=0,
    )
    at_zero = divergences(classifier, generator, x, z)
    assert np.median(at_zero / best) > 0.2  # the reconstruction itself is far off
    gained = (reached - at_zero) / (best - at_zero)
    assert np.median(gained) > 0.95 and np.mean(gained) > 0.8


def test_the_papers_algorithm_against_numpy():
    """One gradient of the divergence at xi d, normalised: with a linear softmax in closed form."""
    classifier = keras.Sequential([keras.Input((5,), dtype="float64")])
    classifier.add(keras.layers.Dense(4, dtype="float64"))
    x = points()
    matrix, bias = classifier.get_weights()
    generator = Linear(np.random.default_rng(1).normal(size=(3, 5)))
    r = LatentVirtualAdversarialPerturbation(
        generator, 0.7, curvature="finite_difference", xi=0.1, seed=3
    )(classifier, x)
    start = LatentVirtualAdversarialPerturbation(generator, 1.0, 0, seed=3)(classifier, x)
    p = softmax(np.array(x) @ matrix + bias)
    moved = generator.decode(generator.encode(x) + 0.1 * start)
    q = softmax(np.array(moved) @ matrix + bias)
    gradient = (q - p) @ matrix.T @ generator.matrix.T
    expected = 0.7 * gradient / np.linalg.norm(gradient, axis=-1, keepdims=True)
    np.testing.assert_allclose(r, expected, rtol=1e-6)


@pytest.mark.parametrize("joint_norm", [True, False])
def test_several_latent_parts(joint_norm):
    classifier, x = net(), points()
    perturbation = LatentVirtualAdversarialPerturbation(
        Parts(), 0.5, joint_norm=joint_norm, mask=[np.array([1, 0]), np.ones(3)], seed=3
    )
    r = perturbation(classifier, x)
    squared = [np.sum(np.square(part), -1) for part in r]
    if joint_norm:
        np.testing.assert_allclose(np.sqrt(sum(squared)), 0.5, rtol=1e-6)
    else:
        np.testing.assert_allclose(np.sqrt(squared), 0.5, rtol=1e-6)
    assert np.all(np.array(r[0])[:, 1] == 0) and np.any(np.array(r[0])[:, 0] != 0)
    same = LatentVirtualAdversarialPerturbation(
        Parts(), 0.5, joint_norm=joint_norm, mask=[np.array([1, 0]), np.ones(3)], seed=3
    )
    moved = np.concatenate([r[0], r[1] / 10.0], -1)
    np.testing.assert_allclose(same.perturb(classifier, x), x + moved, atol=1e-7)


def test_decoded_images_are_cut_to_the_range():
    classifier, x = net(), points()
    perturbation = LatentVirtualAdversarialPerturbation(Identity(), 5.0, clip=(-1.0, 1.0), seed=3)
    moved = perturbation.perturb(classifier, ops.clip(x, -1, 1))
    assert np.abs(moved).max() <= 1.0
    r = LatentVirtualAdversarialPerturbation(Identity(), 5.0, clip=(-1.0, 1.0), seed=3)
    np.testing.assert_allclose(np.linalg.norm(r(classifier, x), axis=-1), 5.0, rtol=1e-6)


def test_wrong_generators_and_inputs_are_refused():
    with pytest.raises(TypeError, match="`generator` must have the methods"):
        LatentVirtualAdversarialPerturbation(object(), 0.5)
    with pytest.raises(ValueError, match="`reference` must be one of"):
        LatentVirtualAdversarialPerturbation(Identity(), 0.5, reference="image")

    class Wider(Identity):
        def decode(self, z):
            return ops.concatenate([z, z], -1)

    with pytest.raises(ValueError, match="`generator` must decode to the shape of its inputs"):
        LatentVirtualAdversarialPerturbation(Wider(), 0.5)(net(), points())

    class InNumPy(Identity):
        def encode(self, x):
            return np.asarray(x)

    numpy = LatentVirtualAdversarialPerturbation(InNumPy(), 0.5)
    with pytest.raises(TypeError, match="`encode` of `generator` must .* returns ndarray"):
        numpy(net(), points())
    lvat = keras_vat.regularizers.LatentVirtualAdversarialTraining(InNumPy(), 0.5)
    model = keras_vat.VATModel(net(), lvat)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(TypeError, match="Received: a InNumPy that computes in NumPy"):
        model.train_on_batch(points(), np.zeros(12))
    with pytest.raises(TypeError, match="one tensor, the generator's inputs"):
        LatentVirtualAdversarialPerturbation(Identity(), 0.5)(net(), [points(), points()])
    vae = keras_vat.generators.VAE((8, 8, 1), latent_dim=2, widths=(4, 4, 4))
    images = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    images.add(keras.layers.Dense(3))
    with pytest.raises(ValueError, match=r"must be images in \[0, 1\]"):
        LatentVirtualAdversarialPerturbation(vae, 0.5)(images, np.full((2, 8, 8, 1), 3.0))
