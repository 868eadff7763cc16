"""Adversarial training with labels (Goodfellow et al., 2015)."""

from typing import Any

from keras_vat.forward.perturbable import Perturbable
from keras_vat.perturbations import AdversarialPerturbation
from keras_vat.regularizers.perturbation_regularizer import PerturbationRegularizer
from keras_vat.regularizers.registry import register


@register("at", package="keras_vat")
class AdversarialTraining(PerturbationRegularizer):
    """Adversarial training: the loss of the labels at the adversarially perturbed inputs.

    Formula, with g the gradient of the loss of an example with respect to x:

        r = epsilon g / ||g||_2   (norm = "l2")   or   epsilon sign(g)   (norm = "linf")
        penalty = loss of the batch at x + r

    The loss is the one that the model was compiled with, and all that Keras makes of it: label
    smoothing, ignored classes, masks, sample and class weights. So the penalty is the supervised
    loss where epsilon goes to 0. Where no loss was compiled it is -log p(y | x), the mean over
    labels and positions, times the weights of the rows, the mean over all rows.

    Args:
        epsilon: The norm of r for each example, in the units of the inputs.
        norm: `"l2"` or `"linf"`.
        weight: Factor of the penalty.
        name: Name in the logs.
        seed: Integer or `None`; the method draws nothing at random.
        mask: Where r may differ from zero, as in `perturbations.Perturbation`.
        clip: `(low, high)`: perturbed inputs stay in this range.
        joint_norm: One norm over all floating inputs (`True`), or one for each.
        perturb_at: Where r is added: `None`, at the inputs; or the name or path of a layer, the
            layer, or a list of these, as in `perturbations.Perturbation`.
        scale: The unit of each coordinate, as in `perturbations.Perturbation`: `x.std(0)` makes
            epsilon a number of standard deviations. `None`: 1.

    Example:

    >>> model = keras_vat.VATModel(
    ...     classifier, keras_vat.regularizers.AdversarialTraining(epsilon=0.1, norm="linf"))

    Reference:
        Goodfellow et al., "Explaining and Harnessing Adversarial Examples" (arXiv:1412.6572);
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), eq. 1 to 4.
    """

    requires_labels = True

    def __init__(
        self,
        epsilon: float,
        norm: str = "l2",
        weight: float = 1.0,
        name: str | None = None,
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        joint_norm: bool = True,
        perturb_at: Any = None,
        scale: Any = None,
    ):
        perturbation = AdversarialPerturbation(
            epsilon,
            norm,
            seed=seed,
            mask=mask,
            clip=clip,
            joint_norm=joint_norm,
            perturb_at=perturb_at,
            scale=scale,
        )
        super().__init__(perturbation, weight=weight, name=name, seed=seed)

    def of_batch(self, forward, x, y):
        forward, x = self.perturbation.enter(forward, x)
        r = self.perturbation.find(forward, x, y)
        return forward.loss(x, y, forward.logits(Perturbable(x).shift(r)))
