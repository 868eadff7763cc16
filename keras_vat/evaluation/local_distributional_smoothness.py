"""Local distributional smoothness: how far the output can be moved by a small perturbation."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_vat import divergences
from keras_vat.evaluation.batches import batches
from keras_vat.forward import Forward
from keras_vat.perturbations import Perturbation, VirtualAdversarialPerturbation


def local_distributional_smoothness(
    classifier: keras.Model,
    x: Any,
    epsilon: float | None = None,
    num_power_iterations: int = 1,
    perturbation: Any = None,
    divergence: str | Callable[[Any, Any], Any] | None = None,
    batch_size: int = 256,
    seed: int | None = None,
    perturb_at: Any = None,
    scale: Any = None,
    temperature: float = 1.0,
) -> np.ndarray:
    """LDS of every example: the divergence at its virtual adversarial perturbation.

    The smaller, the smoother is the classifier there. Of several labels or positions D is the mean
    over those that count, as in the penalties. Outputs and perturbations are those of the
    classifier at inference. No state moves: a perturbation with a seed is the same each time.

    Formula:

        LDS(x) = D[p(y | x), p(y | x + r_vadv)],  ||r_vadv||_2 = epsilon

    Args:
        classifier: A built Keras model or a `VATModel`.
        x: Inputs, `(n, ...)`, or a structure of them; or a dataset of batches, of `x` or `(x, y)`.
        epsilon: L2 norm of the perturbation, in the units of the inputs.
        num_power_iterations: K of the power iteration.
        perturbation: Another `Perturbation`, of the inputs or of a latent space, used in place of
            the virtual adversarial one; its `epsilon` and `num_power_iterations` are its own (pass
            none here).
        divergence: As in `VirtualAdversarialTraining`.
        batch_size: Rows at a time; of a dataset, its own.
        seed: Integer or `None`: of the power iteration's start.
        perturb_at, scale, temperature: As in `VirtualAdversarialTraining`. A classifier of pixels
            of 0 to 255 that was trained behind its Rescaling layer is measured there, too: an
            epsilon of 1 is next to nothing at its inputs.

    Returns:
        NumPy array `(n,)`, in nats.

    Raises:
        TypeError: If `perturbation` is none.
        ValueError: If `x` has no rows, or parts of different length; if both `epsilon` and
            `perturbation` are given.

    Example:

    >>> keras_vat.evaluation.local_distributional_smoothness(model, x_test, epsilon=2.0).mean()

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), eq. 5 and 6.
    """
    if perturbation is None:
        perturbation = VirtualAdversarialPerturbation(
            epsilon,
            num_power_iterations,
            divergence=divergence,
            seed=seed,
            perturb_at=perturb_at,
            scale=scale,
            temperature=temperature,
        )
    elif not isinstance(perturbation, Perturbation):
        raise TypeError(
            "`perturbation` must be a Perturbation or None. Received: "
            f"perturbation={perturbation!r} (of type {type(perturbation).__name__})"
        )
    elif epsilon is not None or perturb_at is not None or scale is not None or temperature != 1.0:
        raise ValueError(
            "`epsilon`, `perturb_at`, `scale` and `temperature` must be left out where there is a "
            f"`perturbation`, which has its own. Received: epsilon={epsilon}, "
            f"perturb_at={perturb_at}, scale={scale}, temperature={temperature}"
        )
    run = perturbation.compiled(_smoothness, classifier, divergence=divergence)
    values = []
    for batch, labels in batches(x, batch_size=batch_size):
        values.append(keras.ops.convert_to_numpy(run(batch, labels)))
    return np.concatenate(values)


def _smoothness(classifier, perturbation, x, y, divergence):
    forward = Forward.of(classifier)
    view, perturbed = perturbation.moved(forward, x, forward.labels(x, y))
    clean = forward.clean(x)
    measure = divergences.get(divergence, clean.distribution)
    return measure(perturbation.target(clean), view.logits(perturbed))
