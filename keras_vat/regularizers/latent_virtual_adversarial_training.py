"""Latent-space virtual adversarial training (Osada et al., 2021)."""

import warnings
from typing import Any

from keras_vat.forward.perturbable import Perturbable
from keras_vat.perturbations import LatentVirtualAdversarialPerturbation
from keras_vat.regularizers.perturbation_regularizer import PerturbationRegularizer
from keras_vat.regularizers.registry import register


@register("lvat", package="keras_vat")
class LatentVirtualAdversarialTraining(PerturbationRegularizer):
    """Virtual adversarial training in the latent space of a generator.

    Needs no labels. Perturbed images are decoded from perturbed latents, so that they may lie far
    from the image and still look like one. The generator is trained before, on the same images,
    and frozen here: its weights, moving averages and seeds never change, it is not trained or
    exported with the classifier, and it is saved with the model if its class has `get_config` and
    `from_config` and is registered, as `VAE` and `Glow` are. Otherwise (`BijectorGenerator`, an
    object of yours without a config) save `model.classifier`, or weights by `model.save_weights`.

    Formula, with z = Enc(x) and r from `LatentVirtualAdversarialPerturbation`:

        reference = "input":           penalty = mean of D[p(y | x), p(y | Dec(z + r))]
        reference = "reconstruction":  penalty = mean of D[p(y | Dec(z)), p(y | Dec(z + r))]

    No gradient flows through the first distribution or through r. D is the Kullback-Leibler
    divergence of the model's kind of output.

    Args:
        generator: A trained `VAE`, `Glow` or `BijectorGenerator`, or any object with `encode` and
            `decode`. `fit` warns of a `VAE` or `Glow` that was neither trained nor loaded.
        epsilon: L2 norm of r for each example, in the units of the latent space (1 is one standard
            deviation of the prior along one axis).
        num_power_iterations: K, an integer of at least 0.
        reference: `"input"` (the paper; the penalty then also counts what the generator loses) or
            `"reconstruction"`.
        curvature, xi: As in `LatentVirtualAdversarialPerturbation`; `curvature=
            "finite_difference", xi=1e-6` is the paper's setting.
        weight: Factor of the penalty (the paper's alpha, 1).
        name: Name in the logs.
        seed: Integer or `None`.
        mask: Where the latent may move, of its shape.
        clip: `(low, high)`: decoded images are cut to this range.
        joint_norm: One norm over all latent parts (`True`), or one for each.

    Raises:
        TypeError: if `generator` can't encode and decode.
        ValueError: if what it decodes is not shaped like its inputs; for images outside its range
            (`fit` looks at one batch before it begins).

    Example:

    >>> vae = keras_vat.generators.VAE((28, 28, 1), latent_dim=32)
    >>> vae.compile("adam")
    >>> vae.fit(x, epochs=10)
    >>> lvat = keras_vat.regularizers.LatentVirtualAdversarialTraining(vae, epsilon=1.0)
    >>> model = keras_vat.VATModel(classifier, lvat)

    Reference:
        Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
        (arXiv:2011.13181), eq. 15 to 21, algorithm 2.
    """

    def __init__(
        self,
        generator: Any,
        epsilon: float,
        num_power_iterations: int = 1,
        reference: str = "input",
        curvature: str = "auto",
        xi: float | None = None,
        weight: float = 1.0,
        name: str | None = None,
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        joint_norm: bool = True,
    ):
        perturbation = LatentVirtualAdversarialPerturbation(
            generator,
            epsilon,
            num_power_iterations,
            reference,
            curvature,
            xi,
            seed=seed,
            mask=mask,
            clip=clip,
            joint_norm=joint_norm,
        )
        super().__init__(perturbation, weight=weight, name=name, seed=seed)
        self._warned = False

    @property
    def generator(self):
        """The frozen generator."""
        return self.perturbation.generator

    @property
    def limits_inputs(self):
        return hasattr(self.generator, "check_images")

    def check_inputs(self, x):
        self.perturbation.check_inputs(x)
        # Not in the constructor: there, a generator of a saved model has no weights yet.
        if not self._warned and not getattr(self.generator, "trained", True):
            self._warned = True
            warnings.warn(
                "`generator` should be trained or loaded before it is handed over: it is frozen "
                "now, and its latent space means nothing. Make a new one, `compile` and `fit` it "
                "on the images, or load its weights. "
                f"Received: generator='{self.generator.name}', with the weights it was made with",
                stacklevel=2,
            )

    def per_example(self, forward, x, y):
        view = self.perturbation.view(forward, x)
        return self._divergence_in(view, self.perturbation.find_in(view))

    def divergence_at(self, forward, x, r):
        """D at `decode(encode(x) + r)` of every example, `(batch,)`; r a list as `find` returns."""
        return self._divergence_in(self.perturbation.view(forward, x), r)

    def _divergence_in(self, view, r):
        perturbed = view.forward.logits(Perturbable(view.z).shift(r))
        target = self.perturbation.target(view.reference)
        return view.reference.distribution.kl(target, perturbed)
