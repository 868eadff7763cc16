"""Which coordinates a perturbation moves, and in what units each of them is measured."""

import numpy as np
from keras import ops, tree

from keras_vat.forward.perturbable import Perturbable


class Coordinates:
    """The mask and the scale of a perturbation: r = epsilon * scale * u with u of norm 1.

    Args:
        mask: Array that broadcasts against one example, or a structure of them like the inputs;
            `None`: everything moves.
        scale: Likewise, numbers of at least 0; `None`: 1 for all.

    Raises:
        TypeError: If one of them is no array.
        ValueError: If nothing would move, or a scale is negative.
    """

    def __init__(self, mask=None, scale=None):
        self.mask = _checked("mask", mask)
        self.scale = _checked("scale", scale)
        if self.scale is not None and min(np.min(part) for part in tree.flatten(self.scale)) < 0:
            raise ValueError(
                "`scale` must be numbers of at least 0, such as standard deviations. "
                f"Received: scale={scale!r}"
            )

    def allowed(self, x, parts):
        """The parts, one for each floating input of `x`, zero where nothing moves."""
        if self.mask is not None:
            parts = _times("mask", self.mask, x, parts)
        if self.scale is not None:
            moves = tree.map_structure(lambda scale: (scale > 0).astype("float32"), self.scale)
            parts = _times("scale", moves, x, parts)
        return parts

    def scaled(self, x, parts):
        """From the searched u to steps between inputs; of a gradient the other way round."""
        if self.scale is None:
            return parts
        return _times("scale", self.scale, x, parts)

    def unscaled(self, x, parts):
        """From steps between inputs to u, zero where nothing moves."""
        if self.scale is None:
            return parts

        def inverse(scale):
            return np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)

        inverses = tree.map_structure(inverse, self.scale)
        return _times("scale", inverses, x, parts)


def _for_each_part(name, arrays, x, parts):
    """One array for each floating input."""
    if isinstance(arrays, dict) and isinstance(x, dict) and len(tree.flatten(x)) == len(x):
        floating = Perturbable(x).select(sorted(x))
        missing = sorted(set(floating) - set(arrays))
        unknown = sorted(set(arrays) - set(x))
        if missing or unknown:
            raise ValueError(
                f"`{name}` must have an entry for each floating input. Received: {name} of "
                f"{sorted(arrays)} for inputs {sorted(x)}, of which {floating} are floating"
            )
        return [arrays[key] for key in floating]
    flat = tree.flatten(arrays)
    if len(flat) == 1:
        flat = flat * len(parts)
    elif len(flat) == len(tree.flatten(x)):
        flat = Perturbable(x).select(flat)
    if len(flat) != len(parts):
        raise ValueError(
            f"`{name}` must be one array or a structure like the inputs. Received: "
            f"{len(flat)} arrays for {len(parts)} floating inputs"
        )
    return flat


def _times(name, arrays, x, parts):
    arrays = _for_each_part(name, arrays, x, parts)
    return [_product(part, array, name) for part, array in zip(parts, arrays, strict=True)]


def _product(part, array, name):
    example = tuple(part.shape[1:])
    try:
        fits = None in example or np.broadcast_shapes(example, np.shape(array)) == example
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"`{name}` must broadcast against one example without enlarging it. Received: {name} "
            f"of shape {np.shape(array)} for examples of shape {example}"
        )
    return part * ops.cast(ops.convert_to_tensor(array), part.dtype)


def _checked(name, value):
    """Arrays of float32 as they were given, or `None`; raises where all are zero."""
    arrays = _as_arrays(name, value)
    if arrays is not None and not any(np.any(part) for part in tree.flatten(arrays)):
        raise ValueError(
            f"`{name}` must let something move: r is zero where it is 0. Received: a {name} of "
            "zeros"
        )
    return arrays


def _as_arrays(name, value):
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: _as_arrays(name, part) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and any(hasattr(part, "shape") for part in value):
        return [_as_arrays(name, part) for part in value]
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must be an array of finite numbers, or a structure of such. "
            f"Received: {name}={value!r}"
        )
    return array.astype("float32")
