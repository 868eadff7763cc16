"""Checks that labelled and unlabelled rows can share one training step."""

from keras import tree

from keras_vat.arguments import shapes_agree

_KINDS = {  # by the beginning of a dtype's name
    "float": "floating",
    "bfloat": "floating",
    "int": "integer",
    "object": "string",  # NumPy's three ways to hold strings
    "bytes": "string",
    "str": "string",
}


def check_matching(labeled, unlabeled):
    """Raises unless both agree in structure, shapes and kinds of dtype.

    Args:
        labeled: Structure of things with `shape` and `dtype`: one labelled input.
        unlabeled: The same of one unlabelled input.
    """
    received = f"Received: labeled={_describe(labeled)}, unlabeled={_describe(unlabeled)}"
    try:
        tree.assert_same_structure(labeled, unlabeled)
    except (TypeError, ValueError):
        raise ValueError(
            f"`unlabeled` must have the structure of the inputs in `labeled`. {received}"
        ) from None
    pairs = list(zip(tree.flatten(labeled), tree.flatten(unlabeled), strict=True))
    if not all(shapes_agree(one.shape, other.shape) for one, other in pairs):
        raise ValueError(
            f"Rows of `unlabeled` must have the shape of those in `labeled`. {received}"
        )
    if any(_kind(one.dtype) != _kind(other.dtype) for one, other in pairs):
        raise TypeError(
            f"`unlabeled` must have the kind of dtype of the inputs in `labeled`. {received}. "
            "Convert or scale one of them."
        )


def _unknown(shape):
    """A `tf.TensorShape` of unknown rank has neither length nor sizes."""
    return getattr(shape, "rank", 0) is None


def _kind(dtype):
    """ "floating", "integer", "string", or the dtype's own name, of NumPy's or TensorFlow's."""
    name = dtype.name.removeprefix("u")
    return next((kind for start, kind in _KINDS.items() if name.startswith(start)), name)


def _describe(spec):
    return tree.map_structure(
        lambda t: f"{t.dtype.name}{'' if _unknown(t.shape) else tuple(t.shape)}", spec
    )
