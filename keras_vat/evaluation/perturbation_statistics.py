"""How adverse perturbations are, and how far they move the inputs."""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_vat.evaluation.batches import batches
from keras_vat.forward import Forward
from keras_vat.forward.perturbable import Perturbable
from keras_vat.perturbations import Perturbation


class PerturbationStatistics(NamedTuple):
    """What one perturbation does to every example.

    Attributes:
        consistency_cost: KL(p(y | x) || p(y | x_adv)), `(n,)`, in nats.
        distance: ||x - x_adv||_2, `(n,)`, in the units of the inputs, or of the place.
    """

    consistency_cost: np.ndarray
    distance: np.ndarray

    def __repr__(self):
        medians = ", ".join(
            f"{name} {np.median(values):.3g} ({np.min(values):.3g} to {np.max(values):.3g})"
            for name, values in zip(self._fields, self, strict=True)
        )
        return f"PerturbationStatistics of {len(self.distance)} examples, medians: {medians}"


def perturbation_statistics(
    classifier: keras.Model,
    x: Any,
    perturbations: dict[str, Any],
    y: Any = None,
    batch_size: int = 256,
) -> dict[str, PerturbationStatistics]:
    """Consistency costs and input distances of perturbations of any kind, latent ones included.

    A perturbation of the inputs moves each of them by its epsilon. One in a latent space moves
    them by distances of all sizes: it is not bound to a ball around the input. The larger the
    cost, the more adverse is the perturbation. Everything is measured at inference and no state
    moves, so that perturbations with a seed are the same each time.

    Formula, with x_adv = x + r, or Dec(Enc(x) + r):

        consistency_cost(x) = KL(p(y | x) || p(y | x_adv))    the mean over labels and positions
        distance(x)         = ||x - x_adv||_2    over all floating inputs together

    Of a perturbation with `perturb_at`, x_adv and the distance are those of what the layer returns.

    Args:
        classifier: A built Keras model or a `VATModel`.
        x: Inputs, `(n, ...)`, or a structure of them; or a dataset of batches, of `x` or `(x, y)`.
        perturbations: Dictionary of name to `Perturbation`.
        y: Labels of arrays, for perturbations that need them. Defaults to `None`.
        batch_size: Rows at a time; of a dataset, its own. Defaults to `256`.

    Returns:
        Dictionary of name to `PerturbationStatistics`, a pair of NumPy arrays `(n,)`.

    Raises:
        TypeError: If `perturbations` is not a dictionary of perturbations.
        ValueError: If it is empty, or rows are missing.

    Example:

    >>> statistics = keras_vat.evaluation.perturbation_statistics(model, x_test, {
    ...     "VAT": keras_vat.perturbations.VirtualAdversarialPerturbation(1.5, seed=0),
    ...     "LVAT": keras_vat.perturbations.LatentVirtualAdversarialPerturbation(vae, 1.0, seed=0),
    ... })
    >>> keras_vat.plotting.plot_perturbation_statistics(statistics)

    Reference:
        Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
        (arXiv:2011.13181), section 7.2, figures 5 and 6.
    """
    _check(perturbations)
    measured = {name: [] for name in perturbations}
    runs = {name: made.compiled(_moves, classifier) for name, made in perturbations.items()}
    for batch, labels in batches(x, y, batch_size):
        for name, run in runs.items():
            cost, there, perturbed = run(batch, labels)
            measured[name].append((ops.convert_to_numpy(cost), distance(there, perturbed)))
    return {
        name: PerturbationStatistics(*map(np.concatenate, zip(*parts, strict=True)))
        for name, parts in measured.items()
    }


def _moves(classifier, perturbation, x, y):
    """Costs of a batch, and the floating tensors that r is added to, without and with it."""
    forward = Forward.of(classifier)
    _, there = perturbation.enter(forward, x)
    view, perturbed = perturbation.moved(forward, x, forward.labels(x, y))
    clean = forward.clean(x)
    cost = clean.distribution.kl(clean.target, view.logits(perturbed))
    return cost, Perturbable(there).parts, Perturbable(perturbed).parts


def distance(x, perturbed):
    """L2 distance of every example, over all of these tensors together, `(batch,)`."""
    squared = 0.0
    for part, moved in zip(x, perturbed, strict=True):
        difference = _numbers(part) - _numbers(moved)
        squared += np.sum(np.square(difference.reshape(len(difference), -1)), axis=1)
    return np.sqrt(squared)


def _numbers(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


def _check(perturbations):
    if not isinstance(perturbations, dict) or not all(
        isinstance(perturbation, Perturbation) for perturbation in perturbations.values()
    ):
        raise TypeError(
            "`perturbations` must be a dictionary of name to Perturbation, such as {'VAT': "
            "keras_vat.perturbations.VirtualAdversarialPerturbation(epsilon=1.5)}. "
            f"Received: perturbations={perturbations!r}"
        )
    if not perturbations:
        raise ValueError("`perturbations` must have at least one. Received: perturbations={}")
