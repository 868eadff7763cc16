"""Methods whose penalty is the divergence between clean and perturbed outputs."""

from typing import Any

from keras_vat import divergences
from keras_vat.forward.perturbable import Perturbable
from keras_vat.regularizers.regularizer import Regularizer


class PerturbationRegularizer(Regularizer):
    """Base class of the methods that perturb inputs.

    Formula:

        penalty = mean over the batch of D[p(y | x), p(y | x + r)]

    No gradient flows through p(y | x) or through r.

    Args:
        perturbation: The `Perturbation` that finds r.
        divergence: As in `VirtualAdversarialTraining`.
        weight, name, seed: As in `Regularizer`.
    """

    def __init__(self, perturbation, divergence=None, weight=1.0, name=None, seed=None):
        super().__init__(weight=weight, name=name, seed=seed)
        divergences.check(divergence)
        self._divergence = divergence
        self.perturbation = perturbation

    @property
    def epsilon(self) -> Any:
        """Size of the perturbation, a variable: assign it and a compiled fit follows."""
        return self.perturbation.epsilon

    @epsilon.setter
    def epsilon(self, value):
        self.perturbation.epsilon = value

    @property
    def places(self):
        return self.perturbation.places

    @property
    def is_in_units_of_inputs(self):
        return self.perturbation.is_in_units_of_inputs

    def get_config(self):
        return {**self.perturbation.get_config(), **super().get_config()}

    def per_example(self, forward, x, y):
        forward, x = self.perturbation.enter(forward, x)
        return self.divergence_at(forward, x, self.perturbation.find(forward, x, y))

    def divergence_at(self, forward, x, r):
        """D[p(y | x), p(y | x + r)] of every example, `(batch,)`; r a list as `find` returns."""
        clean = forward.clean(x)
        divergence = divergences.get(self._divergence, clean.distribution)
        moved = forward.logits(Perturbable(x).shift(r))
        return divergence(self.perturbation.target(clean), moved)
