"""Batches told from single examples, and inputs from pairs, which Keras would take for others."""

import keras
from keras import tree

from keras_vat.arguments import shapes_agree


def check_batch(classifier, x):
    """Raises for one example in the place of a batch, where the classifier declares its inputs.

    Keras adds an axis at the end of such an input, and a convolution then stops the process or
    fails without a word on it.

    Args:
        classifier: The Keras model.
        x: Structure of tensors.
    """
    declared = [tensor.shape for tensor in getattr(classifier, "inputs", None) or ()]
    given = [tensor.shape for tensor in tree.flatten(x)]
    if any(getattr(shape, "rank", 0) is None for shape in given):
        return
    if declared and len(declared) == len(given) and all(map(_is_one_example, given, declared)):
        raise ValueError(
            "`x` must be a batch. Make one of a single example by `x[None]`, and batches of a "
            "dataset of single examples by its `batch`. Received: x of shape "
            f"{[tuple(shape) for shape in given]} for a classifier of {list(map(tuple, declared))}"
        )


def has_one_input(classifier):
    """Whether a Keras model is known to have one input; a subclassed one may have any number."""
    if isinstance(classifier, keras.Sequential):
        return True
    return len(getattr(classifier, "inputs", None) or ()) == 1


def are_several_inputs(x, classifier):
    """Whether x is several inputs where the classifier is known to have one."""
    return isinstance(x, (tuple, list)) and len(x) > 1 and has_one_input(classifier)


def _is_one_example(shape, declared):
    """Whether a shape is that of an example, and not one of rows without the last axis of 1."""
    shape, example = tuple(shape), tuple(declared)[1:]
    return shapes_agree(shape, example) and not shapes_agree((*shape[1:], 1), example)
