"""What all movement fields have in common: the normalisation of eq. 2."""

import inspect

import numpy as np
from keras import ops, tree

from keras_vat.autodiff import is_symbolic


class MovementField:
    """Base class: a family of movement fields, all combinations of a few directions.

    A movement field gives every position p of a lattice a vector V_p, in steps of the lattice,
    by which what lies there moves; all channels move together. A family of your own implements
    `directions`; `VirtualMovementTraining` then finds its member that changes the classifier most.
    Registered as in the example, it is saved with the model that uses it, and so are the arguments
    of its constructor, as those of Keras's layers are: numbers, strings, and lists of them; for
    others write `get_config`.

    Formula:

        V = sum_k phi_k B_k,  normalised to  mean over p of ||V_p||^2 = 1   (eq. 2)

    `basis` turns the directions into orthonormal ones with respect to that mean, so that the
    members of the family are the unit vectors phi, and a linear function a^T phi has its maximum
    ||a|| at phi = a / ||a||, whatever the field and the lattice.

    Example:

    >>> @keras.saving.register_keras_serializable(package="mine")
    ... class ShearField(keras_vat.movement_fields.MovementField):
    ...     def __init__(self, axis=1):
    ...         self.axis = axis
    ...
    ...     def directions(self, lattice):
    ...         height, width = lattice
    ...         rows = np.arange(height)[:, None] - (height - 1) / 2
    ...         shear = np.zeros((1, height, width, 2))
    ...         shear[0, ..., self.axis] = rows  # moves by an amount that grows with the row
    ...         return shear
    >>> keras_vat.regularizers.VirtualMovementTraining(fields=["shift", ShearField(axis=1)])

    Reference:
        "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous, 2018),
        sections 2.1 to 2.3.
    """

    def __new__(cls, *args, **kwargs):
        field = super().__new__(cls)
        field._arguments = _recorded(cls, args, kwargs)
        return field

    def __init__(self):
        """Takes no arguments; a subclass may."""

    @property
    def name(self):
        """Name of the family; of your own ones that of the class, if not overridden."""
        return type(self).__name__

    def directions(self, lattice):
        """The directions B_k, which need be neither normalised nor independent.

        Args:
            lattice: Sizes of the lattice's axes, such as `(height, width)`.

        Returns:
            NumPy array `(directions, *lattice, axes)`, finite; directions of zeros are left out.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `directions`")

    def gram(self, directions):
        """Inner products of directions, `(directions, directions)`; the norm that is held at 1."""
        positions = np.prod(directions.shape[1:-1])
        flat = directions.reshape(len(directions), -1)
        return flat @ flat.T / positions

    def basis(self, lattice):
        """Orthonormal directions, `(at most directions, *lattice, axes)`; none may be left.

        Raises:
            TypeError: if `directions` returns a tensor of a function that is being traced.
            ValueError: if `directions` returns another shape, or numbers that are not finite.
        """
        lattice = tuple(lattice)
        directions = self.directions(lattice)
        if ops.is_tensor(directions) and is_symbolic(directions):
            raise TypeError(
                f"`directions` of {type(self).__name__} must return a NumPy array, made by NumPy's "
                "functions: a tensor has no numbers yet while a step is compiled. Received: "
                f"{type(directions).__name__} of shape {tuple(directions.shape)}"
            )
        directions = np.asarray(directions, "float64")
        if directions.ndim == 0 or directions.shape[1:] != (*lattice, len(lattice)):
            raise ValueError(
                f"`directions` of {type(self).__name__} must return shape `(directions, *lattice, "
                f"axes)`, here (directions, {', '.join(map(str, lattice))}, {len(lattice)}). "
                f"Received: shape {directions.shape}"
            )
        if not np.isfinite(directions).all():
            raise ValueError(
                f"`directions` of {type(self).__name__} must be finite. Received: NaN or infinity "
                f"on the lattice {lattice}"
            )
        if not len(directions):
            return directions
        lengths, axes = np.linalg.eigh(self.gram(directions))
        independent = lengths > 1e-10 * max(lengths.max(), 1e-30)
        whitening = axes[:, independent] / np.sqrt(lengths[independent])
        return np.tensordot(whitening.T, directions, axes=1)

    def get_config(self):
        """The arguments of the constructor.

        Raises:
            NotImplementedError: If a file can't hold them as they are.
        """
        if self._arguments is None:
            raise NotImplementedError(
                f"{type(self).__name__} must implement `get_config`: arguments of its constructor "
                "are other than numbers, strings, and lists and dictionaries of them"
            )
        return dict(self._arguments)

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _recorded(cls, args, kwargs):
    """A constructor's arguments by their names; `None` if they can't be saved as they are."""
    try:
        bound = inspect.signature(cls.__init__).bind(None, *args, **kwargs)
    except TypeError:
        return {}  # the constructor says it better
    first, *parameters = bound.signature.parameters.values()
    named = {name: value for name, value in bound.arguments.items() if name != first.name}
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL and named.get(parameter.name):
            return None
        if parameter.kind is parameter.VAR_KEYWORD:
            named.update(named.pop(parameter.name, {}))
    plain = (str, int, float, bool, type(None))
    return named if all(isinstance(value, plain) for value in tree.flatten(named)) else None


def centered_positions(lattice):
    """Positions seen from the centre of the lattice, `(*lattice, axes)`."""
    axes = [np.arange(size) - (size - 1) / 2 for size in lattice]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
