"""Inputs whose positions can move: signals, images, volumes."""

import numpy as np
from keras import ops

from keras_vat.forward.output_meaning import at_least_float32
from keras_vat.forward.perturbable import Perturbable


class Lattice:
    """The inputs that lie on a lattice, with their derivatives along its axes.

    Of several inputs those move that have a lattice; they move together, as channels do.

    Formula, inside the lattice and at its two ends, where no further value is known:

        dI/dp  =  (I_{p+1} - I_{p-1}) / 2;    I_{p+1} - I_p,  I_p - I_{p-1}

    Args:
        x: Structure of tensors: signals `(batch, n, channels)`, images `(batch, height, width,
            channels)`, volumes `(batch, depth, height, width, channels)`.
        data_format: `"channels_last"`, or `"channels_first"` for `(batch, channels, ...)`.

    Raises:
        TypeError: if no input is floating.
        ValueError: if no input has a lattice, their lattices differ, or their sizes are unknown.

    Reference:
        "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous, 2018),
        eq. 16.
    """

    def __init__(self, x, data_format="channels_last"):
        self._perturbable = Perturbable(x)
        self._perturbable.check()
        self._channel_axis = -1 if data_format == "channels_last" else 1
        self._moved = [3 <= len(part.shape) <= 5 for part in self._perturbable.parts]
        shapes = [tuple(part.shape) for part in self._perturbable.parts]
        lattices = {self._of(part) for part in self._take(self._perturbable.parts)}
        if not lattices:
            raise ValueError(
                "`x` must lie on a lattice to be moved: signals `(batch, n, channels)`, images "
                "`(batch, height, width, channels)` or volumes. Give flat rows their shape back "
                "and let the classifier begin with keras.layers.Flatten. "
                f"Received: shapes {shapes}"
            )
        if len(lattices) > 1:
            raise ValueError(
                "`x` must have one lattice: inputs that move together need the same sizes. "
                f"Received: shapes {shapes}"
            )
        self.shape = lattices.pop()
        if None in self.shape:
            raise ValueError(
                "`x` must have a lattice of known size; only the batch may be of any size. "
                f"Received: shapes {shapes}"
            )

    def slopes(self, gradient):
        """How fast a function changes as each position moves along each axis.

        Formula:

            slope[p, j] = sum over channels of g_p dI_p / dp_j

        Args:
            gradient: The function's gradient g: one tensor for each floating input.

        Returns:
            `(batch, *lattice, axes)`, at least `float32`.
        """
        parts, gradient = self._take(self._perturbable.parts), self._take(gradient)
        slopes = [
            sum(
                ops.sum(at_least_float32(g) * self._derivative(part, axis), axis=self._channel_axis)
                for part, g in zip(parts, gradient, strict=True)
            )
            for axis in range(len(self.shape))
        ]
        return ops.stack(slopes, axis=-1)

    def change(self, direction):
        """How fast the inputs change as they move by a field, the same for every example.

        Formula:

            change[p] = sum_j V_{p, j} dI_p / dp_j                                  (eq. 3)

        Args:
            direction: The field V, an array `(*lattice, axes)`.

        Returns:
            List with one tensor for each floating input, zero for those that do not move.
        """
        return [
            ops.cast(self._moved_by(part, direction), part.dtype) if moved else ops.zeros_like(part)
            for part, moved in zip(self._perturbable.parts, self._moved, strict=True)
        ]

    def _moved_by(self, part, direction):
        total = 0.0
        for axis in range(len(self.shape)):
            derivative = self._derivative(part, axis)
            length = np.expand_dims(direction[..., axis], (0, self._channel_axis))
            total += derivative * ops.cast(length, derivative.dtype)
        return total

    def _derivative(self, part, axis):
        axis += 1 if self._channel_axis == -1 else 2
        values = at_least_float32(part)
        size = part.shape[axis]

        def take(start, stop):
            return values[(slice(None),) * axis + (slice(start, stop),)]

        if size == 1:
            return ops.zeros_like(values)
        first, last = take(1, 2) - take(0, 1), take(size - 1, size) - take(size - 2, size - 1)
        inside = 0.5 * (take(2, size) - take(0, size - 2))
        return ops.concatenate([first, inside, last], axis=axis)

    def _take(self, parts):
        return [part for part, moved in zip(parts, self._moved, strict=True) if moved]

    def _of(self, part):
        return tuple(part.shape[1:-1] if self._channel_axis == -1 else part.shape[2:])
