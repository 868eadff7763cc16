"""Local distributional smoothness: how far the output can be moved by a small perturbation."""

import keras
import numpy as np
from keras import tree

from keras_vat import divergences
from keras_vat.forward import Forward
from keras_vat.perturbable import Perturbable, as_tensors
from keras_vat.perturbations import VirtualAdversarialPerturbation


def local_distributional_smoothness(
    classifier,
    x,
    epsilon,
    num_power_iterations=1,
    perturbation=None,
    divergence=None,
    batch_size=256,
    seed=None,
):
    """LDS of every example: the divergence at its virtual adversarial perturbation.

    The smaller, the smoother is the classifier there. Outputs and perturbations are those of the
    classifier at inference.

    Formula:

        LDS(x) = D[p(y | x), p(y | x + r_vadv)],  ||r_vadv||_2 = epsilon

    Args:
        classifier: A built Keras model or a `VATModel`.
        x: Inputs, `(n, ...)`, or a structure of them.
        epsilon: L2 norm of the perturbation, in the units of the inputs.
        num_power_iterations: K of the power iteration.
        perturbation: Another `Perturbation`, used in place of the virtual adversarial one (then
            `epsilon` and `num_power_iterations` are its own; pass `epsilon=None`).
        divergence: As in `VirtualAdversarialTraining`.
        batch_size: Rows at a time.
        seed: Integer or `None`: of the power iteration's start.

    Returns:
        NumPy array `(n,)`, in nats.

    Example:

    >>> keras_vat.evaluation.local_distributional_smoothness(model, x_test, epsilon=2.0).mean()

    Reference:
        VAT (2018), eq. 5 and 6.
    """
    if perturbation is None:
        perturbation = VirtualAdversarialPerturbation(
            epsilon, num_power_iterations, divergence=divergence, seed=seed
        )
    rows = len(tree.flatten(x)[0])
    values = []
    for start in range(0, rows, batch_size):
        batch = as_tensors(tree.map_structure(lambda a, s=start: a[s : s + batch_size], x))
        forward = Forward.of(classifier)
        r = perturbation.find(forward, batch)
        clean = forward.clean(batch)
        measure = divergences.get(divergence, clean.distribution)
        values.append(measure(clean.target, forward.logits(Perturbable(batch).shift(r))))
    return np.concatenate([keras.ops.convert_to_numpy(value) for value in values])
