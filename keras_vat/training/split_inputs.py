"""The inputs of one training step: labelled and unlabelled."""

import keras
from keras import tree

from keras_vat.arguments import shapes_agree
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs


def split_inputs(x):
    """Labelled and unlabelled inputs of a batch; `None` for the latter where there are none.

    Args:
        x: A structure of tensors, or `SemiSupervisedInputs` of two such structures.

    Raises:
        ValueError: if the rows of the two differ in structure, shape or dtype.
    """
    if not isinstance(x, SemiSupervisedInputs):
        return x, None
    if not alike(x.labeled, x.unlabeled):
        labeled, unlabeled = (tree.map_structure(describe, inputs) for inputs in x)
        raise ValueError(
            "`labeled` and `unlabeled` inputs must have the same structure, shapes and dtypes "
            f"apart from the batch size. Received: labeled={labeled}, unlabeled={unlabeled}"
        )
    return x.labeled, x.unlabeled


def alike(first, second):
    """Whether the rows of two inputs are of one kind, as far as their shapes are known."""
    try:
        tree.assert_same_structure(first, second)
    except (ValueError, TypeError):
        return False
    pairs = zip(tree.flatten(first), tree.flatten(second), strict=True)
    return all(
        a is not None
        and b is not None
        and a.dtype == b.dtype
        and shapes_agree(a.shape[1:], b.shape[1:])
        for a, b in pairs
    )


def describe(tensor):
    """Dtype and shape of a row, as text."""
    if tensor is None:
        return None
    return f"{keras.backend.standardize_dtype(tensor.dtype)}{tensor.shape[1:]}"
