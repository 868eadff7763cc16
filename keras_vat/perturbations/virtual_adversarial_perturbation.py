"""r that moves the classifier's own output most."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vat import arguments, divergences
from keras_vat.forward import norms
from keras_vat.forward.perturbable import Perturbable
from keras_vat.perturbations.curvature import CURVATURES, hessian_product
from keras_vat.perturbations.perturbation import Perturbation
from keras_vat.perturbations.step_size import smallest_step


@keras.saving.register_keras_serializable(package="keras_vat")
class VirtualAdversarialPerturbation(Perturbation):
    """The virtual adversarial perturbation: power iteration on the divergence's Hessian.

    Needs no labels: it looks for the direction in which the output distribution moves most, the
    dominant eigenvector of the Hessian of D[p(y|x), p(y|x + r)] at r = 0.

    Formula:

        d <- H d / ||H d||_2, K times, from a random unit vector
        r = epsilon d

    Args:
        epsilon: L2 norm of r for each example, in the units of the inputs.
        num_power_iterations: K, an integer of at least 0 (0: a random direction).
        curvature: How H d is computed. `"auto"` (default) is `"at_epsilon"` in training and
            `"logit_difference"` at inference; with a `xi`, in training `"finite_difference"`.
            `"exact"`: the Fisher product by a directional derivative. `"logit_difference"`: the
            same product with the directional derivative taken as a difference of logits, as true
            as `"exact"`, and it costs less. `"finite_difference"`: the paper's eq. 12, the gradient
            of D at xi d. `"at_epsilon"`: the gradient of D at epsilon d, as far away as r will be
            (or at the smallest step that the dtype resolves, where epsilon is below it); a
            quadratic model of D says little about rows that the classifier is sure of. The same
            cost, and lower test errors than with the true curvature. The paper's xi = 1e-6, which
            is rounding noise in float32, leaves more errors on digits with 50 labels and about as
            many, or fewer, on MNIST with 100 (see benchmarks/README.md).
        xi: Step of the two differences, in the units of the inputs; `None`: the smallest that suits
            the inputs' scale and the dtype that the layers compute in. `xi=1e-6` with
            `"finite_difference"` reproduces the paper. `"exact"` and `"at_epsilon"` take none.
        sign_search: Whether to try both +r and -r and keep the one with the larger divergence
            (FAT, section 3.2), for two more forward passes.
        divergence: As in `VirtualAdversarialTraining`.
        seed, mask, clip, joint_norm, perturb_at, scale: As in `Perturbation`.
        temperature: As in `VirtualAdversarialTraining`: r moves the output away from the sharpened
            one. D then has a slope at r = 0 already, and the direction is where D grows by its
            quadratic model (`"exact"`, `"logit_difference"`) or where the gradient at xi d or
            epsilon d points.

    Raises:
        ValueError: If an argument is out of range, or there is a `xi` that nothing takes.

    Example:

    >>> perturbation = keras_vat.perturbations.VirtualAdversarialPerturbation(epsilon=2.0)
    >>> r = perturbation(classifier, x)

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), eq. 9 to 15, algorithm 1.
    """

    _told_by_config = True
    curvatures = CURVATURES
    """The names that `curvature` may be."""

    def __init__(
        self,
        epsilon: float,
        num_power_iterations: int = 1,
        curvature: str = "auto",
        xi: float | None = None,
        sign_search: bool = False,
        divergence: str | Callable[[Any, Any], Any] | None = None,
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        joint_norm: bool = True,
        name: str | None = None,
        perturb_at: Any = None,
        scale: Any = None,
        temperature: float = 1.0,
    ):
        super().__init__(epsilon, seed, mask, clip, joint_norm, name, perturb_at, scale)
        divergences.check(divergence)
        temperature = arguments.positive("temperature", temperature)
        self._temperature = self.add_weight(
            name="temperature",
            shape=(),
            initializer=keras.initializers.Constant(temperature),
            trainable=False,
        )
        self._config = {
            **self._config,
            "num_power_iterations": arguments.whole_number(
                "num_power_iterations", num_power_iterations, minimum=0
            ),
            "curvature": arguments.one_of("curvature", curvature, self.curvatures),
            "xi": None if xi is None else arguments.positive("xi", xi),
            "sign_search": arguments.boolean("sign_search", sign_search),
            "divergence": divergence,
            "temperature": temperature,
        }
        if xi is not None and curvature not in ("auto", "finite_difference", "logit_difference"):
            raise ValueError(
                f"`xi` must be left out where `curvature` is '{curvature}', which takes no step of "
                "its own; a step is that of 'finite_difference' or 'logit_difference'. "
                f"Received: xi={xi}"
            )

    @property
    def temperature(self):
        """Of the target, a variable: assign it and a compiled fit follows."""
        return self._temperature

    @temperature.setter
    def temperature(self, value):
        self._temperature.assign(arguments.positive("temperature", value))

    def target(self, clean):
        """The logits of the clean pass over the temperature."""
        if clean.distribution.name == "gaussian":
            if self._config["temperature"] != 1:
                raise ValueError(
                    "`temperature` must be 1 for a regression, which has no probabilities to "
                    f"sharpen. Received: temperature={self._config['temperature']}"
                )
            return clean.target
        return clean.target / ops.cast(self._temperature, clean.target.dtype)

    def direction(self, forward, x, y=None):
        return self.iterated(forward, x, forward.clean(x))

    def iterated(self, forward, x, reference):
        """The direction after K power iterations from a random one; where H d is zero it stays.

        Args:
            forward, x: As in `direction`.
            reference: The `LinearizedPass` that D is measured from.
        """
        direction = self.random_direction(forward, x)
        divergence, target = self.divergence(forward, x), self.target(reference)
        for _ in range(self._config["num_power_iterations"]):
            steps, method = self._coordinates.scaled(x, direction), self.method(forward, x)
            product = hessian_product(forward, x, divergence, steps, *method, target, self.epsilon)
            direction = self.ascent(forward, x, product, fallback=direction)
        return direction

    def method(self, forward, x):
        """A way to the curvature as `hessian_product` knows it, and its step, `None` of "exact"."""
        way, xi = self._config["curvature"], self._config["xi"]
        if way == "auto":
            way = "logit_difference"
            if forward.training:
                way = "at_epsilon" if xi is None else "finite_difference"
        if xi is not None or way == "exact":
            return way, xi
        xi = smallest_step(self.computed_by(forward), x, self._coordinates)
        if way == "at_epsilon":
            return "finite_difference", ops.maximum(xi, ops.cast(self.epsilon, xi.dtype))
        return way, xi

    def computed_by(self, forward):
        """The layers and models that a perturbation goes through."""
        return [forward.classifier]

    def divergence(self, forward, x):
        """The `Divergence` for this classifier."""
        return divergences.get(self._config["divergence"], forward.clean(x).distribution)

    def find(self, forward, x, y=None):
        r = super().find(forward, x, y)
        return self._better_sign(forward, x, r) if self._config["sign_search"] else r

    def _better_sign(self, forward, x, r):
        perturbable = Perturbable(x)
        opposite = self.limit(perturbable, [-part for part in r])
        divergence = self.divergence(forward, x)
        target = self.target(forward.clean(x))
        ahead, behind = (
            divergence(target, forward.search(perturbable.shift(step)).target)
            for step in (r, opposite)
        )
        return [
            ops.where(norms.column(ahead >= behind, plus), plus, minus)
            for plus, minus in zip(r, opposite, strict=True)
        ]

    def get_config(self):
        config = super().get_config()
        if callable(config["divergence"]):
            config["divergence"] = keras.saving.serialize_keras_object(config["divergence"])
        if config["temperature"] == 1:
            del config["temperature"]
        return config

    def load_own_variables(self, store):
        """As of a Keras layer; in a file of version 0.1 there is no temperature."""
        given = {key: store[key] for key in store.keys()}
        super().load_own_variables({"1": np.asarray(self._config["temperature"]), **given})
