"""Random perturbation training: VAT without the power iteration."""

from typing import Any

from keras_vat.perturbations import RandomPerturbation
from keras_vat.regularizers.perturbation_regularizer import PerturbationRegularizer
from keras_vat.regularizers.registry import register


@register("rpt", package="keras_vat")
class RandomPerturbationTraining(PerturbationRegularizer):
    """Random perturbation training: smooth in all directions alike.

    Formula:

        r = epsilon d / ||d||_2,  d ~ N(0, I)
        penalty = mean over the batch of KL(p(y | x) || p(y | x + r))

    Args:
        epsilon: L2 norm of r for each example, in the units of the inputs.
        weight: Factor of the penalty.
        name: Name in the logs.
        seed: Integer or `None`.
        mask: Where r may differ from zero, as in `perturbations.Perturbation`.
        clip: `(low, high)`: perturbed inputs stay in this range.
        joint_norm: One norm over all floating inputs (`True`), or one for each.
        perturb_at: Where r is added: `None`, at the inputs; or the name or path of a layer, the
            layer, or a list of these, as in `perturbations.Perturbation`.
        scale: The unit of each coordinate, as in `perturbations.Perturbation`: `x.std(0)` makes
            epsilon a number of standard deviations. `None`: 1.

    Example:

    >>> model = keras_vat.VATModel(
    ...     classifier, keras_vat.regularizers.RandomPerturbationTraining(epsilon=10.0))

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), section 3.4, eq. 16 with K
        = 0.
    """

    def __init__(
        self,
        epsilon: float,
        weight: float = 1.0,
        name: str | None = None,
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        joint_norm: bool = True,
        perturb_at: Any = None,
        scale: Any = None,
    ):
        perturbation = RandomPerturbation(
            epsilon,
            seed=seed,
            mask=mask,
            clip=clip,
            joint_norm=joint_norm,
            perturb_at=perturb_at,
            scale=scale,
        )
        super().__init__(perturbation, weight=weight, name=name, seed=seed)
