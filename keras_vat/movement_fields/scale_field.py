"""The lattice is stretched along its axes."""

import keras
import numpy as np

from keras_vat.movement_fields.movement_field import MovementField, centered_positions


@keras.saving.register_keras_serializable(package="keras_vat")
class ScaleField(MovementField):
    """Scalings from the centre, by a factor of its own for every axis.

    Formula, with c the centre and d_k the size of axis k:

        V_p = sum_k phi_k (p_k - c_k) e_k / sqrt(m_k),  ||phi|| = 1,  m_k = (d_k^2 - 1) / 12

    m_k is the mean of (p_k - c_k)^2. On square lattices all m_k are equal and this is the paper's
    eq. 15; on others its (cos phi, sin phi) would break the normalisation of eq. 2, and the
    maximum is sqrt(sum_k a_k^2 / m_k), a_k the slope along (p_k - c_k) e_k.

    Reference:
        "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous, 2018),
        eq. 15.
    """

    name = "scale"

    def directions(self, lattice):
        positions = centered_positions(lattice)
        directions = np.zeros((len(lattice), *positions.shape))
        for axis in range(len(lattice)):
            directions[axis, ..., axis] = positions[..., axis]
        return directions
