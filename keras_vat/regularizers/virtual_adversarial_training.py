"""Virtual adversarial training (Miyato et al., 2018)."""

from collections.abc import Callable
from typing import Any

from keras_vat.perturbations import VirtualAdversarialPerturbation
from keras_vat.regularizers.perturbation_regularizer import PerturbationRegularizer
from keras_vat.regularizers.registry import register


@register("vat", package="keras_vat")
class VirtualAdversarialTraining(PerturbationRegularizer):
    """Virtual adversarial training: smooth where the classifier is least smooth.

    Needs no labels. For every example it finds the small perturbation that moves the classifier's
    own output most, and penalises how far it moves.

    Formula:

        d <- H d / ||H d||_2, K times,  H the Hessian of D[p(y|x), p(y|x + r)] at r = 0
        r = epsilon d
        penalty = mean over the batch of D[p(y | x), p(y | x + r)]

    With a temperature T, p(y | x) is p^(1/T) normalised, the classifier's sharpened opinion.

    Of several labels or positions D is the mean over those that count.

    Args:
        epsilon: L2 norm of r for each example, in the units of the inputs: the one number to
            tune. Start near the size of a change that should not matter to a person.
        num_power_iterations: K, an integer of at least 0; 1 is almost always enough.
        curvature: How H d is computed: `"exact"`, `"logit_difference"`, `"finite_difference"` (the
            paper's eq. 12) or `"at_epsilon"` (the gradient of D at a random point as far away as r
            will be). `"auto"` (default) is `"at_epsilon"` in training and `"logit_difference"` at
            inference; see `VirtualAdversarialPerturbation`.
        xi: Step of the differences; `None`: chosen. `curvature="finite_difference", xi=1e-6` is
            the paper's setting.
        sign_search: Whether to keep the better of +r and -r (FAT, section 3.2).
        divergence: `None` or `"kl"`: KL(clean || perturbed) of the model's kind of output;
            `"reverse_kl"`; `"squared_error"`; or a callable on `(clean_logits,
            perturbed_logits)` that returns shape `(batch,)`, whose size is its own.
        weight: Factor of the penalty (the paper's alpha; leave it at 1 and tune epsilon).
        name: Name in the logs.
        seed: Integer or `None`.
        mask: Where r may differ from zero, as in `perturbations.Perturbation`.
        clip: `(low, high)`: perturbed inputs stay in this range.
        joint_norm: One norm over all floating inputs (`True`), or one for each.
        perturb_at: Where r is added: `None`, at the inputs; or the name or path of a layer, the
            layer, or a list of these, as in `perturbations.Perturbation`.
        scale: The unit of each coordinate, as in `perturbations.Perturbation`: `x.std(0)` makes
            epsilon a number of standard deviations. `None`: 1.
        temperature: T, a number above 0: the target is the clean distribution sharpened (below 1)
            or flattened (above), p^(1/T) normalised: softmax(f / T), sigmoid(f / T). At 1 (default)
            the penalty flattens the classifier where it has no labels; below 1 it also makes it
            surer, as `EntropyMinimization` does. It takes part in the search for r. Not for
            regression.

    Raises:
        ValueError: If an argument is out of range, or there is a `xi` that nothing takes.

    Example:

    >>> model = keras_vat.VATModel(
    ...     classifier, keras_vat.regularizers.VirtualAdversarialTraining(epsilon=2.0))

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), eq. 5 to 8 and algorithm
        1.
    """

    def __init__(
        self,
        epsilon: float,
        num_power_iterations: int = 1,
        curvature: str = "auto",
        xi: float | None = None,
        sign_search: bool = False,
        divergence: str | Callable[[Any, Any], Any] | None = None,
        weight: float = 1.0,
        name: str | None = None,
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        joint_norm: bool = True,
        perturb_at: Any = None,
        scale: Any = None,
        temperature: float = 1.0,
    ):
        perturbation = VirtualAdversarialPerturbation(
            epsilon,
            num_power_iterations,
            curvature,
            xi,
            sign_search,
            divergence,
            seed=seed,
            mask=mask,
            clip=clip,
            joint_norm=joint_norm,
            perturb_at=perturb_at,
            scale=scale,
            temperature=temperature,
        )
        super().__init__(perturbation, divergence, weight=weight, name=name, seed=seed)

    @property
    def temperature(self):
        """T of the target, a variable: assign it and a compiled fit follows."""
        return self.perturbation.temperature

    @temperature.setter
    def temperature(self, value):
        self.perturbation.temperature = value
