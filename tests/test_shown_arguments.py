"""What is printed of methods and perturbations: the call that makes them."""

import keras
import numpy as np
import pytest

from keras_vat import generators, perturbations, regularizers
from keras_vat.regularizers import (
    AdversarialTraining,
    EntropyMinimization,
    FastAdversarialTraining,
    LatentVirtualAdversarialTraining,
    RandomPerturbationTraining,
    VirtualAdversarialTraining,
    VirtualMovementTraining,
)


@pytest.mark.parametrize(
    "made, shown",
    [
        (
            VirtualAdversarialTraining(2.0),
            "VirtualAdversarialTraining(epsilon=2.0, weight=1.0)",
        ),
        (
            VirtualAdversarialTraining(1, 2, clip=(0, 1), weight=0.5, name="mine", seed=3),
            "VirtualAdversarialTraining(epsilon=1.0, num_power_iterations=2, weight=0.5, "
            "name='mine', seed=3, clip=[0.0, 1.0])",
        ),
        (
            RandomPerturbationTraining(1.0, mask=np.ones((8, 8)), perturb_at="embedding"),
            "RandomPerturbationTraining(epsilon=1.0, weight=1.0, mask=<array (8, 8)>, "
            "perturb_at=['embedding'])",
        ),
        (
            AdversarialTraining(0.3, norm="linf"),
            "AdversarialTraining(epsilon=0.3, norm='linf', weight=1.0)",
        ),
        (
            FastAdversarialTraining(1.5, radius=2.0),
            "FastAdversarialTraining(epsilon=1.5, radius=2.0, weight=1.0)",
        ),
        (EntropyMinimization(), "EntropyMinimization(weight=1.0)"),
        (
            VirtualMovementTraining("shift"),
            "VirtualMovementTraining(fields=['shift'], data_format='channels_last', weight=1.0)",
        ),
        (perturbations.RandomPerturbation(1.0), "RandomPerturbation(epsilon=1.0)"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_the_call_without_what_is_at_its_default(made, shown):
    assert repr(made) == shown


def test_objects_by_their_class():
    lvat = LatentVirtualAdversarialTraining(generators.VAE((8, 8, 1), 4, widths=(4,)), 1.0)
    shown = "LatentVirtualAdversarialTraining(generator=<VAE>, epsilon=1.0, weight=1.0)"
    assert repr(lvat) == shown


def test_what_a_schedule_moved_does_not_show():
    vat = VirtualAdversarialTraining(2.0)
    vat.epsilon = 1.0
    assert "epsilon=2.0" in repr(vat)


def test_your_own_with_arguments_that_go_on_to_the_base():
    class Mirror(regularizers.Regularizer):
        def __init__(self, axis=2, **kwargs):
            super().__init__(**kwargs)
            self.axis = axis

        def get_config(self):
            return {**super().get_config(), "axis": self.axis}

    assert repr(Mirror(1, weight=0.5)).startswith("Mirror(axis=1, weight=0.5")


def test_what_no_file_can_hold_is_printed_as_keras_does():
    class Unknown(regularizers.Regularizer):
        def get_config(self):
            raise NotImplementedError

    assert repr(Unknown(name="unknown")) == "<Unknown name=unknown, built=True>"
    assert isinstance(Unknown(), keras.layers.Layer)
