"""The figures of `figures.py`: each function trains, draws one figure and returns its numbers."""

import functools

import keras
import matplotlib.pyplot as plt
import numpy as np
from figures_training import load, semi_supervised, supervised

import keras_vat
from keras_vat import evaluation, perturbations, plotting, regularizers
from keras_vat.plotting.mosaic import mosaic
from keras_vat.plotting.palette import CATEGORIES, MARKERS

LDS = "$R_{vadv}$ of the test images, nats"
PAIR = ("VAT", "supervised")
MOVEMENTS = ("shift", "rotation", "scale")
VMT = regularizers.VirtualMovementTraining(MOVEMENTS)


def panels(count, width=4.4, height=3.3, **settings):
    return plt.subplots(1, count, figsize=(width * count, height), layout="constrained", **settings)


def lines(ax, at, named, **labels):
    """Curves over a hyper-parameter, on a logarithmic axis, with the spread of the seeds."""
    for index, (name, values) in enumerate(named.items()):
        values = np.reshape(values, (len(at), -1))
        style = {"color": CATEGORIES[index], "marker": MARKERS[index], "markersize": 4}
        spread = values.std(1, ddof=1) if values.shape[1] > 1 else None
        ax.errorbar(at, values.mean(1), spread, label=name, capsize=2, linewidth=1.6, **style)
    ax.set(xscale="log", xticks=at, xticklabels=[f"{value:g}" for value in at], **labels)
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.grid(color="#E0E0E0", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    if len(named) > 1:
        ax.legend(fontsize="small", frameon=False)


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


def latent_statistics(setup):
    """LVAT's figures 5 and 6: how adverse perturbations are, and how far they move images."""
    _, (x_test, _) = load(setup)
    vae = _generator(setup, "VAE")
    found = evaluation.perturbation_statistics(
        supervised(setup, "supervised")[0],
        x_test,
        {
            f"VAT, ε = {setup.epsilon:g}": perturbations.VirtualAdversarialPerturbation(
                setup.epsilon, seed=0
            ),
            "LVAT-VAE, ε = 1": perturbations.LatentVirtualAdversarialPerturbation(vae, 1.0, seed=0),
        },
    )
    figure, (left, right) = panels(2)
    plotting.plot_perturbation_statistics(found, "consistency_cost", log_scale=True, ax=left)
    plotting.plot_perturbation_statistics(found, "distance", ax=right)
    return figure, {
        name: {quantity: np.percentile(values, [5, 50, 95]).tolist() for quantity, values in pairs}
        for name, pairs in ((name, one._asdict().items()) for name, one in found.items())
    }


def reconstruction_error(setup):
    """LVAT's figure 8: how far images are from their reconstructions, by a VAE and by a Glow."""
    figure, ax = panels(1, width=5.5)
    _, (x, _) = load(setup)
    errors = {
        name: evaluation.reconstruction_error(_generator(setup, name), x)
        for name in ("VAE", "Glow")
    }
    plotting.plot_reconstruction_error(errors, log_scale=True, ax=ax)
    return figure, {name: np.percentile(one, [5, 50, 95]).tolist() for name, one in errors.items()}


class SensitivityWatch(keras.callbacks.Callback):
    """Measures after every epoch how sensitive the loss of the test images is to movements."""

    def __init__(self, setup):
        super().__init__()
        self.rows, self.sensitivity = load(setup)[1], {name: [] for name in MOVEMENTS}

    def on_epoch_end(self, epoch, logs=None):
        found = VMT.movement(self.model, *self.rows)
        for name, (sensitivity, _) in found.items():
            self.sensitivity[name].append(float(np.mean(sensitivity)))


def movement_fields(setup):
    """VMT's figures 1 and 3: fields of an image, and the mean sensitivity to them in training."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    x, y = load(setup)[1]
    watches = {method: SensitivityWatch(setup) for method in ("VMT", "supervised")}
    for method, watch in watches.items():
        classifier, _ = supervised(setup, method, watch=(watch,))
    fields = VMT.movement(classifier, x[:1], y[:1])
    for name, (top, bottom) in zip(MOVEMENTS, axes.T, strict=True):
        plotting.plot_movement_field(np.asarray(fields[name][1])[0], x[0], max_arrows=8, ax=top)
        top.set_title(name, fontsize="medium")
        curves = {method: watch.sensitivity[name] for method, watch in watches.items()}
        plotting.plot_training_curves(curves, ax=bottom)
        bottom.set(ylabel=f"mean R of the test images, {name}")
        bottom.set_ylim(bottom=0)
    return figure, {method: watch.sensitivity for method, watch in watches.items()}


def bad_samples(setup):
    """FAT's figure 5: images, and the bad samples of classifiers with and without VAT."""
    x, y = load(setup)[1]
    fat = regularizers.FastAdversarialTraining(setup.epsilon, setup.radius, seed=0)
    found = {f"of {method}": fat.bad_samples(supervised(setup, method)[0], x) for method in PAIR}
    figure, ax = panels(1, width=8, height=2.2)
    chosen = [np.flatnonzero(y == label)[0] for label in range(10)]
    rows = {name: np.asarray(bad)[chosen] for name, (bad, _) in found.items()}
    plotting.plot_bad_samples(x[chosen], rows, ax=ax)
    kept = {name: float(np.mean(kept)) for name, (_, kept) in found.items()}
    return figure, {"radius": setup.radius, "share kept": kept}


@functools.cache
def _generator(setup, name):
    """A small generator, trained on the images."""
    x = load(setup)[0][0]
    keras.utils.set_random_seed(0)
    if name == "VAE":
        generator = keras_vat.generators.VAE(x.shape[1:], latent_dim=16, widths=(32, 64))
    else:
        generator = keras_vat.generators.Glow(x.shape[1:], num_levels=2, num_steps=4, width=32)
    generator.compile(keras.optimizers.Adam(2e-3))
    generator.fit(x, batch_size=100, epochs=setup.epochs, verbose=0)
    return generator


def _errors_over_epsilon(setup):
    """Test errors in %, `(sizes, seeds)`."""
    seeds = range(setup.seeds)
    return [
        [semi_supervised(setup, epsilon, seed=seed)[1] for seed in seeds]
        for epsilon in setup.epsilons
    ]
