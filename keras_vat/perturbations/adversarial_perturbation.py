"""r that raises the loss of the given labels most, to first order."""

from typing import Any

import keras
from keras import ops

from keras_vat import arguments
from keras_vat.perturbations.perturbation import Perturbation

NORMS = ("l2", "linf")


@keras.saving.register_keras_serializable(package="keras_vat")
class AdversarialPerturbation(Perturbation):
    """The adversarial perturbation of labelled examples.

    Formula, with g the gradient of the example's loss with respect to x:

        norm = "l2":    r = epsilon g / ||g||_2   (with a scale s: epsilon s * s g / ||s g||_2)
        norm = "linf":  r = epsilon sign(g)

    The loss is the one that the model was compiled with; where there is none, -log p(y | x). The
    gradient is pulled back through the clean pass: one backward pass, no further forward pass.

    Args:
        epsilon: The norm of r for each example, in the units of the inputs.
        norm: `"l2"` or `"linf"`.
        seed, mask, clip, joint_norm, perturb_at, scale: As in `Perturbation`.

    Raises:
        ValueError: If `y` is missing, or there is a `scale` beside `norm="linf"`.

    Reference:
        Goodfellow et al., "Explaining and Harnessing Adversarial Examples" (arXiv:1412.6572);
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), eq. 3 and 4.
    """

    _told_by_config = True
    requires_labels = True

    def __init__(
        self,
        epsilon: float,
        norm: str = "l2",
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        joint_norm: bool = True,
        name: str | None = None,
        perturb_at: Any = None,
        scale: Any = None,
    ):
        super().__init__(epsilon, seed, mask, clip, joint_norm, name, perturb_at, scale)
        self._config["norm"] = arguments.one_of("norm", norm, NORMS)
        if norm == "linf" and scale is not None:
            raise ValueError(
                "`scale` must be left out where `norm` is 'linf': it measures the L2 norm of "
                "r / scale. Scale the inputs themselves, or take norm='l2'. "
                f"Received: norm='linf', scale={scale!r}"
            )

    def direction(self, forward, x, y):
        self.check_labels(y)
        g = forward.loss_gradient(x, y)
        if self._config["norm"] == "linf":
            return self.masked(forward, x, [ops.sign(part) for part in g])
        return self.ascent(forward, x, g)
