"""Labels as `fit` takes them: for one output, also in a list, a tuple or a dictionary of one."""

from keras_vat.forward.perturbable import as_tensors


def only_one(structure):
    """What a list, a tuple or a dictionary of one holds; anything else as it is."""
    while isinstance(structure, (list, tuple, dict)) and len(structure) == 1:
        (inside,) = structure.values() if isinstance(structure, dict) else structure
        if not hasattr(inside, "shape") and not isinstance(inside, (list, tuple, dict)):
            break  # a number: a shape or a row, not a structure of arrays
        structure = inside
    return structure


def as_labels(y):
    """Labels as one tensor, or `None` where there are none."""
    return None if y is None else only_one(as_tensors(y))
