"""r drawn uniformly from the sphere."""

import keras

from keras_vat.perturbations.perturbation import Perturbation


@keras.saving.register_keras_serializable(package="keras_vat")
class RandomPerturbation(Perturbation):
    """Random perturbation of a given norm: what VAT becomes without a power iteration.

    Formula:

        r = epsilon d / ||d||_2,  d ~ N(0, I)

    Args:
        epsilon: L2 norm of r for each example, in the units of the inputs.
        seed, mask, clip, joint_norm, perturb_at, scale: As in `Perturbation`.

    Example:

    >>> r = keras_vat.perturbations.RandomPerturbation(epsilon=2.0, seed=0)(classifier, x)

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), section 3.4, eq. 16 with K
        = 0.
    """

    _told_by_config = True

    def direction(self, forward, x, y):
        return self.random_direction(forward, x)
