"""The lattice turns about its centre."""

import itertools

import keras
import numpy as np

from keras_vat.movement_fields.movement_field import MovementField, centered_positions


@keras.saving.register_keras_serializable(package="keras_vat")
class RotationField(MovementField):
    """Rotations about the centre: one direction for images, three for volumes, none for signals.

    Formula, with c the centre and Z from the normalisation:

        image:   V_p = (-(p_2 - c_2), p_1 - c_1) / Z
        volume:  V_p = omega x (p - c) / Z,  omega the axis

    Reference:
        "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous, 2018),
        eq. 14.
    """

    name = "rotation"

    def directions(self, lattice):
        positions = centered_positions(lattice)
        planes = list(itertools.combinations(range(len(lattice)), 2))
        directions = np.zeros((len(planes), *positions.shape))
        for direction, (first, second) in zip(directions, planes, strict=True):
            direction[..., first] = -positions[..., second]
            direction[..., second] = positions[..., first]
        return directions
