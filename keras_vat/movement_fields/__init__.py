"""Families of movement fields on lattices: shifts, rotations, scalings, and your own."""

from keras_vat.movement_fields.movement_field import MovementField
from keras_vat.movement_fields.rotation_field import RotationField
from keras_vat.movement_fields.scale_field import ScaleField
from keras_vat.movement_fields.shift_field import ShiftField

FIELDS = {field.name: field for field in (ShiftField, RotationField, ScaleField)}


def get(identifier):
    """The `MovementField` that a name stands for; a field passes through as it is.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else.
    """
    if isinstance(identifier, MovementField):
        return identifier
    if not isinstance(identifier, str):
        raise TypeError(
            "`fields` must be names, or objects of `keras_vat.movement_fields.MovementField`. "
            f"Received: {identifier!r} (of type {type(identifier).__name__})"
        )
    if identifier not in FIELDS:
        raise ValueError(f"`fields` must be among {tuple(FIELDS)}. Received: {identifier!r}")
    return FIELDS[identifier]()


__all__ = ["MovementField", "RotationField", "ScaleField", "ShiftField", "get"]


def __dir__():
    return __all__
