"""r that moves the classifier's output most, in the latent space of a generator."""

from typing import Any

import keras
from keras import ops, tree

from keras_vat import arguments
from keras_vat.forward import Forward
from keras_vat.forward.perturbable import Perturbable, as_tensors
from keras_vat.generators.check_generator import check_encoded
from keras_vat.generators.frozen_generator_layer import FrozenGeneratorLayer
from keras_vat.perturbations.latent_view import LatentView
from keras_vat.perturbations.virtual_adversarial_perturbation import (
    VirtualAdversarialPerturbation,
)

REFERENCES = ("input", "reconstruction")


@keras.saving.register_keras_serializable(package="keras_vat")
class LatentVirtualAdversarialPerturbation(FrozenGeneratorLayer, VirtualAdversarialPerturbation):
    """The virtual adversarial perturbation in the latent space of a generator.

    Needs no labels. What it finds is not bound to a ball around the image: a small step in the
    latent space may be a large one between images, and still ends at an image.

    Formula, with z = Enc(x), f the classifier's logits, q the distribution at f(Dec(z)), J the
    Jacobian of f(Dec(z)) and G its output's Fisher information:

        reference = "reconstruction":  D(r) = D[f(Dec(z)), f(Dec(z + r))]
        reference = "input":           D(r) = D[f(x), f(Dec(z + r))]
        d <- g + epsilon J^T G J d, normalised; K times;  g the gradient of D at r = 0
        r = epsilon d

    A quadratic model of D is climbed on the sphere of radius epsilon. g is zero for the
    reconstruction, and for the input where the generator is exact (Glow): then this is the power
    iteration. Where the generator is lossy (VAE), the reconstruction already differs and g leads.
    `curvature="finite_difference"` is the paper's algorithm 2 instead: the gradient of D at xi d.
    In training `"auto"` is `"at_epsilon"`, that with xi = epsilon, where no model of D is needed.

    Args:
        generator: A trained `VAE`, `Glow` or `BijectorGenerator`, or any object with `encode` and
            `decode`; it is frozen. Images must be in its range, and what the classifier wants done
            to them (whitening, scaling) must be a layer of the classifier.
        epsilon: L2 norm of r for each example, over all latent parts together, in the units of
            the latent space.
        num_power_iterations: K, an integer of at least 0 (0: a random direction).
        reference: What the perturbed image is compared with: `"input"` (the paper) or
            `"reconstruction"`.
        curvature, xi: As in `VirtualAdversarialPerturbation`; steps are in the units of z.
        seed: Integer, or `None`: drawn from Keras's global seed.
        mask: As in `Perturbation`, of the shape of the latent.
        clip: `(low, high)`: decoded images are cut to this range. `None`: they stay as they are.
        joint_norm: With several latent parts, `True`: the norm over all of them together is
            epsilon; `False`: each one's norm is (as in the authors' code).

    Raises:
        TypeError: if `generator` can't encode and decode.
        ValueError: if what it decodes is not shaped like its inputs.

    Example:

    >>> perturbation = keras_vat.perturbations.LatentVirtualAdversarialPerturbation(
    ...     generator, epsilon=1.0)
    >>> r = perturbation(classifier, x)                  # shaped like generator.encode(x)
    >>> x_adversarial = perturbation.perturb(classifier, x)

    Reference:
        Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
        (arXiv:2011.13181), eq. 15 to 18, algorithm 2.
    """

    is_in_units_of_inputs = False

    def __init__(
        self,
        generator: Any,
        epsilon: float,
        num_power_iterations: int = 1,
        reference: str = "input",
        curvature: str = "auto",
        xi: float | None = None,
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        joint_norm: bool = True,
        name: str | None = None,
    ):
        super().__init__(
            generator,
            epsilon,
            num_power_iterations,
            curvature,
            xi,
            seed=seed,
            mask=mask,
            clip=clip,
            joint_norm=joint_norm,
            name=name,
        )
        self._config["reference"] = arguments.one_of("reference", reference, REFERENCES)

    def __call__(self, classifier: Any, x: Any, y: Any = None) -> Any:
        """The perturbation for a batch.

        Args:
            classifier: A built Keras model, taken at inference; or a `VATModel`; or a `Forward`.
            x: Images, `(batch, ...)`, in the generator's range.
            y: Not used.

        Returns:
            r, shaped like `generator.encode(x)`.
        """
        view = self.view(Forward.of(classifier), as_tensors(x))
        return tree.pack_sequence_as(view.z, self.find_in(view))

    def perturb(self, classifier: Any, x: Any, y: Any = None) -> Any:
        """The perturbed images `decode(encode(x) + r)`, shaped like `x`."""
        view = self.view(Forward.of(classifier), as_tensors(x))
        return view.decode(Perturbable(view.z).shift(self.find_in(view)))

    def check_inputs(self, x):
        check_encoded(self.generator, x)

    def moved(self, forward, x, y=None):
        """The view of the classifier, and the perturbed images."""
        return forward, self.perturb(forward, x, y)

    def view(self, forward, x):
        """The batch in the latent space: a `LatentView`, to be shared by all that use it."""
        return LatentView(
            self.generator, forward, x, self._config["reference"], self._config["clip"]
        )

    def find(self, forward, x, y=None):
        """r as a list of tensors, one for each latent part; no gradient flows through it."""
        return self.find_in(self.view(forward, x))

    def find_in(self, view):
        """As `find`, in a view that is there already."""
        steps = self.step(view.z, self._direction_in(view), self.epsilon)
        return [ops.stop_gradient(part) for part in steps]

    def direction(self, forward, x, y=None):
        return self._direction_in(self.view(forward, x))

    def _direction_in(self, view):
        return self.iterated(view.forward, view.z, view.reference)

    def computed_by(self, forward):
        generator = self.generator
        layers = [generator] if isinstance(generator, keras.layers.Layer) else []
        return [*super().computed_by(forward), *layers]

    def get_config(self):
        config = super().get_config()
        for unused in ("sign_search", "divergence"):
            config.pop(unused)
        return {**config, "generator": self.serialized_generator()}
