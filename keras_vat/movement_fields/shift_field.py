"""Every position moves by the same vector."""

import keras
import numpy as np

from keras_vat.movement_fields.movement_field import MovementField


@keras.saving.register_keras_serializable(package="keras_vat")
class ShiftField(MovementField):
    """Shifts: one vector for the whole lattice, in any direction.

    Formula:

        V_p = phi,  ||phi|| = 1

    Reference:
        "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous, 2018),
        eq. 11 to 13.
    """

    name = "shift"

    def directions(self, lattice):
        axes = len(lattice)
        return np.broadcast_to(
            np.eye(axes).reshape(axes, *(1,) * axes, axes), (axes, *lattice, axes)
        )
