"""Bad calls of what is used beside training: data, evaluation, plots, networks, recipes.

A row is `(call, error, argument)`; the message has the argument in backticks and what was received.
"""

import keras
import numpy as np
import pytest

from keras_vat import (
    classifiers,
    data,
    evaluation,
    generators,
    movement_fields,
    optimizers,
    perturbations,
    plotting,
    regularizers,
)

X = np.random.default_rng(0).normal(size=(12, 2)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
IMAGES = np.random.default_rng(0).uniform(size=(4, 6, 6, 1))
SHIFT = movement_fields.ShiftField()
LDS = {"a": np.ones(3)}
AT = {"at": regularizers.AdversarialTraining(1.0)}


class Bijector:
    def forward(self, z):
        return z

    inverse = forward


class Identity:
    def encode(self, x):
        return x

    decode = encode


def classifier():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])


def lds(x=X, **arguments):
    return evaluation.local_distributional_smoothness(
        classifier(), x, **{"epsilon": 1.0, **arguments}
    )


def curve(epsilons, y=Y, **arguments):
    return evaluation.robustness_curve({"a": classifier()}, X, y, epsilons, **arguments)


def noise(dataset=X, model=None, **arguments):
    model = classifier() if model is None else model
    return evaluation.gradient_noise(model, dataset, **{"epsilon": 1.0, **arguments})


def batches(**arguments):
    return data.semi_supervised((X, Y), X, unlabeled_batch_size=4, **arguments)


ROWS = [
    (lambda: data.labeled_split(Y, 4, seed="a"), TypeError, "seed"),
    (
        lambda: perturbations.RandomPerturbation(1.0).perturb(X, classifier()),
        TypeError,
        "classifier",
    ),
    (lambda: perturbations.RandomPerturbation(1.0)(X, classifier()), TypeError, "classifier"),
    (lambda: data.labeled_split(Y, 4, seed=-1), ValueError, "seed"),
    (lambda: data.labeled_split(Y.astype(str), 4), TypeError, "y"),
    (lambda: data.labeled_split(Y + 0.5, 4), TypeError, "y"),
    (lambda: data.labeled_split(Y, 4, balanced="no"), TypeError, "balanced"),
    (lambda: batches(repeat="no"), TypeError, "repeat"),
    (lambda: batches(seed="a"), TypeError, "seed"),
    (lambda: batches(labeled_batch_size="8"), TypeError, "labeled_batch_size"),
    (lambda: data.load(3), ValueError, "name"),
    (lambda: data.load("mnist", data_dir=3), TypeError, "data_dir"),
    (lambda: data.two_moons(n="a"), TypeError, "n"),
    (lambda: data.two_moons(seed="a"), TypeError, "seed"),
    (lambda: data.two_moons(seed=-1), ValueError, "seed"),
    (lambda: data.two_circles(factor="a"), TypeError, "factor"),
    (lambda: data.two_circles(seed="a"), TypeError, "seed"),
    (lambda: data.sine_waves(seed=-1), ValueError, "seed"),
    (lambda: data.sine_waves(length=1), ValueError, "length"),
    (lambda: data.augmentation("mnist", seed="a"), TypeError, "seed"),
    (lambda: data.augmentation(["mnist"]), ValueError, "name"),
    (lambda: data.ZCAWhitening(regularization="a"), TypeError, "regularization"),
    (lambda: data.ZCAWhitening().adapt(None), ValueError, "data"),
    (lambda: data.ZCAWhitening().adapt("digits"), ValueError, "data"),
    (lambda: data.ZCAWhitening().adapt(np.ones(3)), ValueError, "data"),
    (lambda: lds(x=None), TypeError, "x"),
    (lambda: lds(x="digits"), TypeError, "x"),
    (lambda: lds(x=(X, Y)), ValueError, "x"),
    (lambda: noise(dataset=(X, Y)), ValueError, "x"),
    (lambda: lds(x=X[0]), ValueError, "x"),
    (lambda: lds(x=iter(X)), ValueError, "x"),
    (
        lambda: evaluation.robustness_curve(
            {"a": classifier()}, zip(X, Y, strict=True), None, [1.0]
        ),
        ValueError,
        "x",
    ),
    (lambda: noise(dataset=iter(X)), ValueError, "x"),
    (lambda: lds(epsilon=None), TypeError, "epsilon"),
    (lambda: lds(epsilon=None, perturbation=3), TypeError, "perturbation"),
    (lambda: lds(seed="a"), TypeError, "seed"),
    (lambda: curve(["a"]), ValueError, "epsilons"),
    (lambda: curve([[1.0]]), ValueError, "epsilons"),
    (lambda: curve([1.0], seed="a"), TypeError, "seed"),
    (lambda: curve([1.0], num_examples=-1), ValueError, "num_examples"),
    (lambda: curve([1.0], correct_only="no"), TypeError, "correct_only"),
    (lambda: noise(model="m"), TypeError, "model"),
    (lambda: noise(dataset=3), TypeError, "x"),
    (lambda: noise(unbiased="no"), TypeError, "unbiased"),
    (lambda: evaluation.perturbation_statistics(classifier(), X, {}), ValueError, "perturbations"),
    (lambda: lds(perturbation=perturbations.RandomPerturbation(1.0)), ValueError, "epsilon"),
    (lambda: curve(None), ValueError, "epsilons"),
    (lambda: curve([1.0], y=Y + 1), ValueError, "y"),
    (lambda: curve([1.0], y=Y - 1, correct_only=False), ValueError, "y"),
    (lambda: curve([1.0], y=np.eye(3)[Y + 1]), ValueError, "y"),
    (lambda: noise(epsilon=None, regularizers=AT), ValueError, "y"),
    (lambda: noise(epsilon=None, regularizers=AT, y=Y[:5]), ValueError, "y"),
    (lambda: evaluation.reconstruction_error(Identity(), None), TypeError, "x"),
    (lambda: evaluation.reconstruction_error(Identity(), (IMAGES, IMAGES)), TypeError, "x"),
    (lambda: evaluation.reconstruction_error(Identity(), IMAGES[:0]), ValueError, "x"),
    (lambda: generators.BijectorGenerator(Bijector(), 3), TypeError, "input_shape"),
    (lambda: generators.VAE((6, 6, 0)), ValueError, "input_shape"),
    (lambda: generators.VAE((6, 6, 1), latent_dim="2"), TypeError, "latent_dim"),
    (lambda: generators.Glow((6, 6, 1), scale=3), ValueError, "scale"),
    (lambda: movement_fields.get(None), TypeError, "fields"),
    (lambda: optimizers.mnist_decay("a"), TypeError, "initial_learning_rate"),
    (lambda: optimizers.mnist_decay(-1.0), ValueError, "initial_learning_rate"),
    (lambda: optimizers.BetaSwitchAdam(beta_1="a"), TypeError, "beta_1"),
    (lambda: classifiers.mnist_mlp(input_shape=3), TypeError, "input_shape"),
    (lambda: classifiers.sine_wave_mlp(input_shape="a"), TypeError, "input_shape"),
    (lambda: classifiers.conv_large(top_batch_norm="no"), TypeError, "top_batch_norm"),
    (lambda: classifiers.conv_small(top_batch_norm="no"), TypeError, "top_batch_norm"),
    (lambda: classifiers.conv_small(["svhn"]), ValueError, "dataset"),
    (
        lambda: plotting.plot_decision_boundary(classifier(), X, resolution=0),
        ValueError,
        "resolution",
    ),
    (lambda: plotting.plot_decision_boundary(None, X), TypeError, "classifier"),
    (lambda: plotting.plot_perturbed_images(IMAGES, IMAGES, ax=3), TypeError, "ax"),
    (
        lambda: plotting.plot_perturbed_images(IMAGES, IMAGES, max_images=0),
        ValueError,
        "max_images",
    ),
    (
        lambda: plotting.plot_perturbed_images(IMAGES, IMAGES, magnification="a"),
        TypeError,
        "magnification",
    ),
    (lambda: plotting.plot_reconstructions(IMAGES, IMAGES, max_images=0), ValueError, "max_images"),
    (lambda: plotting.plot_bad_samples(IMAGES, IMAGES, max_images=0), ValueError, "max_images"),
    (lambda: plotting.plot_bad_samples(X, X, kept=[True]), ValueError, "kept"),
    (lambda: plotting.plot_bad_samples(X, (X, X[:, 0] > 0)), TypeError, "bad"),
    (lambda: plotting.plot_gradient_noise(3), ValueError, "noise"),
    (lambda: plotting.plot_gradient_noise({}), ValueError, "noise"),
    (lambda: plotting.plot_local_distributional_smoothness(LDS, bins=0), ValueError, "bins"),
    (lambda: plotting.plot_reconstruction_error(LDS, bins="a"), TypeError, "bins"),
    (lambda: plotting.plot_perturbation_statistics(3), TypeError, "statistics"),
    (lambda: plotting.plot_perturbation_statistics(LDS), TypeError, "statistics"),
    (
        lambda: plotting.plot_movement_field(np.ones((4, 4, 2)), max_arrows=0),
        ValueError,
        "max_arrows",
    ),
    (lambda: plotting.plot_movement_field("shift", IMAGES[0]), TypeError, "field"),
    (lambda: plotting.plot_movement_field(SHIFT, IMAGES[0]), TypeError, "field"),
    (lambda: plotting.plot_movement_field((1.0, np.ones((4, 4, 2)))), TypeError, "field"),
    (lambda: plotting.plot_robustness_curve(3), TypeError, "curve"),
    (lambda: plotting.plot_robustness_examples(None), TypeError, "curve"),
    (lambda: plotting.plot_training_curves(3), TypeError, "history"),
]


@pytest.mark.parametrize("call, error, argument", ROWS)
def test_bad_calls(call, error, argument):
    with pytest.raises(error, match=f"(?s)`{argument}`.*Received") as refused:
        call()
    assert type(refused.value) is error
