"""Steps of sequences that `keras.layers.Masking` takes for padding."""

import contextlib

import keras
from keras import ops, tree

from keras_vat.forward.perturbable import Perturbable


def without_padding(classifier, x, parts):
    """A perturbation of inputs that go into `Masking` layers, zero where they are padding.

    Such a layer reads from the values which steps are padding: steps that were moved would count,
    and take most of the perturbation.

    Args:
        classifier: A Keras model; Sequential and functional ones say where their inputs go.
        x: A batch of its inputs.
        parts: List of tensors, one for each floating input.
    """
    masks = Perturbable(x).select(padding_masks(classifier, tree.flatten(x)))
    return [
        part if mask is None else part * ops.cast(ops.expand_dims(mask, -1), part.dtype)
        for part, mask in zip(parts, masks, strict=True)
    ]


def padding_masks(classifier, tensors):
    """For each input the mask `(batch, steps)`, true where it is no padding, or `None`."""
    inputs = tree.flatten(getattr(classifier, "inputs", None) or [])
    masks = [None] * len(tensors)
    for layer in classifier.layers if len(inputs) == len(tensors) else ():
        if isinstance(layer, keras.layers.Masking):
            for place, symbolic in enumerate(inputs):
                if any(symbolic is tensor for tensor in inputs_of(layer)):
                    masks[place] = layer.compute_mask(tensors[place])
    return masks


def inputs_of(layer):
    """The symbolic inputs of a layer; of one that is called several times, none."""
    with contextlib.suppress(AttributeError, ValueError):
        return tree.flatten(layer.input)
    return []
