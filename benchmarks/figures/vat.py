"""The figures of the VAT paper: each function trains, draws one and returns its numbers."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from benchmarks.figures.drawing import PAIR, lines, panels
from benchmarks.figures.training import load, semi_supervised, supervised
from keras_vat import evaluation, perturbations, plotting
from keras_vat.plotting.mosaic import mosaic

LDS = "$R_{vadv}$ of the test images, nats"


def learning_curves(runs):
    """Test error and LDS of several runs over the epochs: figures 2 and 8."""
    figure, (left, right) = panels(2)
    for ax, quantity in ((left, "test error, %"), (right, "lds")):
        curves = {name: logged[quantity] for name, logged in runs.items()}
        plotting.plot_training_curves(curves, ax=ax)
        ax.set(ylabel=LDS if quantity == "lds" else quantity)
        ax.set_ylim(bottom=0)
    # Errors of the first epochs would flatten all that follows.
    left.set_ylim(top=2.5 * max(np.median(logged["test error, %"]) for logged in runs.values()))
    return figure, runs


def smoothness(setup):
    """Figure 2: test error and R_vadv over training, with and without VAT."""
    return learning_curves({method: supervised(setup, method)[1] for method in PAIR})


def epsilon_and_weight(setup):
    """Figure 3: the effect of epsilon, and of alpha at three sizes of epsilon."""
    figure, (left, right) = panels(2)
    errors = _errors_over_epsilon(setup)
    label = f"test error with {setup.few_labels} labels, %"
    lines(left, setup.epsilons, {"": errors}, xlabel="ε  (α = 1)", ylabel=label)
    weights = (0.1, 0.3, 1.0, 3.0, 10.0)
    at = {
        f"ε = {epsilon:g}": [semi_supervised(setup, epsilon, weight)[1] for weight in weights]
        for epsilon in setup.epsilons[1::2][:3]
    }
    lines(right, weights, at, xlabel="α", ylabel=label)
    return figure, {"over epsilon": errors, "over alpha": at, "alpha": weights}


def power_iterations(setup):
    """Figure 4: the R_vadv that K power iterations find."""
    figure, ax = panels(1)
    _, (x, _) = load(setup)
    counts = (0, 1, 2, 4, 8)
    found = {
        method: [
            evaluation.local_distributional_smoothness(
                supervised(setup, method)[0], x, setup.epsilon, count, seed=0
            ).mean()
            for count in counts
        ]
        for method in PAIR
    }
    lines(ax, counts, found, xlabel="number K of power iterations", ylabel=LDS)
    ax.set(xscale="linear")
    return figure, {"K": counts, **found}


def images_over_epsilon(setup):
    """Figure 5: the effect of epsilon, above the images that each trained model is shown."""
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(7, 6), height_ratios=(1, 1.5), layout="constrained"
    )
    errors = _errors_over_epsilon(setup)
    lines(top, setup.epsilons, {"": errors}, xlabel="ε", ylabel="test error, %")
    top.set_title(f"trained with {setup.few_labels} labels", fontsize="medium")
    _, (x, y) = load(setup)
    x = x[[np.flatnonzero(y == label)[0] for label in (2, 3, 5, 8)]]
    columns = []
    for epsilon in setup.epsilons:
        perturbation = perturbations.VirtualAdversarialPerturbation(epsilon, seed=0)
        columns.append(np.asarray(perturbation.perturb(semi_supervised(setup, epsilon)[0], x)))
    picture, centers, _ = mosaic(np.clip(np.stack(columns, axis=1), 0, 1))
    bottom.imshow(picture, interpolation="nearest")
    bottom.set_xticks(centers, [f"ε = {epsilon:g}" for epsilon in setup.epsilons])
    bottom.set_yticks([])
    bottom.tick_params(length=0)
    bottom.spines[:].set_visible(False)
    return figure, {"epsilon": setup.epsilons, "test error, %": errors}


def robustness(setup, perturbation="virtual"):
    """Figure 6: errors on perturbed images of two classifiers, with strips of examples.

    As in the paper the virtual adversarial direction is tried with one sign, which is left to
    chance: about half of the examples move towards another class.
    """
    models = {method: supervised(setup, method)[0] for method in PAIR}
    x, y = load(setup)[1]
    curve = evaluation.robustness_curve(
        models, x, y, setup.sizes, perturbation, correct_only=True, num_examples=len(x)
    )
    kind = {"virtual": "virtual adversarial"}.get(perturbation, perturbation)
    figure, axes = plt.subplots(2, 2, figsize=(12, 6), layout="constrained")
    for source, (top, bottom) in zip(PAIR, axes.T, strict=True):
        plotting.plot_robustness_curve(curve, source, ax=top)
        top.set_title(f"{kind} examples generated from: {source}", fontsize="medium")
        plotting.plot_robustness_examples(_deceived(curve, source), source, max_images=2, ax=bottom)
        bottom.set_xlabel("")  # it stands above already
    numbers = {"epsilon": curve.epsilons.tolist(), "images": curve.num_images}
    for i, source in enumerate(PAIR):
        for j, judge in enumerate(PAIR):
            numbers[f"error of {judge} on examples of {source}"] = curve.errors[i, j].tolist()
    return figure, numbers


def _deceived(curve, source):
    """The curve with two examples that deceive their source: one at once, one as most do."""
    i = list(curve.names).index(source)
    wrong = curve.predictions[i, i] != curve.labels
    order = np.argsort(-wrong.sum(0), kind="stable")
    deceived = order[: max(2, np.sum(wrong.any(0)))]
    chosen = deceived[[0, len(deceived) // 2]]
    return curve._replace(
        images=curve.images[chosen],
        labels=curve.labels[chosen],
        examples=curve.examples[:, :, chosen],
        predictions=curve.predictions[..., chosen],
    )


def labelled_robustness(setup):
    """Figure 6 on adversarial examples of the labels."""
    return robustness(setup, "adversarial")


class NoiseWatch(keras.callbacks.Callback):
    """Measures the gradient noise after some epochs."""

    def __init__(self, setup):
        super().__init__()
        self.setup = setup
        wanted = np.geomspace(1, setup.epochs, 6).round().astype(int)
        self.epochs, self.noise = np.unique(wanted).tolist(), []

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.epochs:
            x = load(self.setup)[0][0]
            self.noise.append(
                evaluation.gradient_noise(
                    self.model,
                    x,
                    self.setup.epsilon,
                    num_samples=self.setup.gradients,
                    unbiased=True,
                )
            )


def gradient_noise(setup):
    """Figure 7: the noise of the gradients of RPT (K = 0) and VAT (K = 1) during VAT."""
    figure, ax = panels(1, width=5.5)
    watch = NoiseWatch(setup)
    supervised(setup, "VAT", watch=(watch,))
    plotting.plot_gradient_noise(watch.noise, at=watch.epochs, ax=ax)
    noise = {f"K = {k}": [measured[k] for measured in watch.noise] for k in (0, 1)}
    return figure, {"epoch": watch.epochs, "samples": setup.gradients, **noise}


def random_samples(setup):
    """Figure 8: VAT against RPT with nine samples and seven times its weight."""
    runs = {
        "VAT, α = 1": supervised(setup, "VAT")[1],
        "RPT, α = 7, S = 9": supervised(setup, "RPT, S = 9", weight=7.0)[1],
    }
    return learning_curves(runs)


def _errors_over_epsilon(setup):
    """Test errors in %, `(sizes, seeds)`."""
    seeds = range(setup.seeds)
    return [
        [semi_supervised(setup, epsilon, seed=seed)[1] for seed in seeds]
        for epsilon in setup.epsilons
    ]
