"""Layers inside a classifier whose outputs are perturbed, in the place of its inputs."""

import keras
from keras import tree

from keras_vat.forward.perturbable import is_floating
from keras_vat.keras_internals import layers_inside, mask_of, with_mask

_LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)


def find_layer(classifier, name):
    """The layer of a name, or of the end of a path as "encoder/embedding"; also a nested one.

    Paths are those of models inside models, and those that Keras gives the layers.

    Raises:
        ValueError: If there is none, or more than one.
    """
    paths = paths_inside(classifier)
    paths += [(layer, layer.path) for layer, _ in paths if layer.path]
    found = {id(layer): layer for layer, _ in paths if layer.name == name}
    found = found or {id(layer): layer for layer, path in paths if f"/{path}".endswith(f"/{name}")}
    if len(found) == 1:
        (layer,) = found.values()
        return layer
    listed = sorted({path for layer, path in paths if not found or id(layer) in found})
    several = "layers of that name" if found else "its layers"
    raise ValueError(
        "`perturb_at` must be the name, or the end of the path, of one layer of the classifier. "
        f"Received: perturb_at={name!r}; {several}: {listed}"
    )


def paths_inside(layer, prefix="", around=()):
    """Pairs of a layer and its path, of all layers inside a layer or model, nested ones too.

    Args:
        layer: The layer or model.
        prefix: What its layers' paths begin with.
        around: The layers that it is inside of, which are not gone into again.
    """
    found = []
    for inner in layers_inside(layer):
        if not any(inner is outer for outer in around):
            found.append((inner, prefix + inner.name))
            found += paths_inside(inner, f"{prefix}{inner.name}/", (*around, layer))
    return found


class NotedPlaces:
    """The outputs of some layers in a clean pass, each marked as a point of derivatives.

    Args:
        layers: The layers.
        mark: Callable from a tensor to the tensor to go on with.

    Attributes:
        owners: The layer of each floating output, in the order of the calls.
        outputs: These outputs.
        masks: For each its mask `(batch, steps)`, or `None`.
    """

    def __init__(self, layers, mark):
        self._layers, self._mark = {id(layer) for layer in layers}, mark
        self.owners, self.outputs, self.masks = [], [], []

    def outputs_of(self, layer, outputs, calling, padding_mask):
        """What a layer is to return. `calling`: the layers that it is called from."""
        if id(layer) not in self._layers:
            return outputs
        if any(isinstance(outer, _LOOPS) for outer in calling):
            raise ValueError(
                "`perturb_at` must not be a layer inside a recurrent loop, where it has other "
                "outputs in each step: take the recurrent layer itself. "
                f"Received: perturb_at={layer.path or layer.name!r}"
            )

        def note(output):
            if not is_floating(output.dtype):
                return output
            mask = mask_of(output)
            marked = with_mask(self._mark(output), mask)
            self.owners.append(layer)
            self.outputs.append(marked)
            self.masks.append(padding_mask(output) if mask is None else mask)
            return marked

        return tree.map_structure(note, outputs)


class MovedPlaces:
    """Gives the outputs of some layers other numbers, of each in the order of its calls.

    A layer that computes with the outputs of another place goes on doing so: it is moved by the
    same step from what it then returns. The others return the moved numbers as they are, so that a
    compiled step leaves out what led to them.

    Args:
        owners: The layer of each output.
        moved: The moved outputs.
        clean: Those of the clean pass.
        dependent: For each whether it is computed from another one.
    """

    def __init__(self, owners, moved, clean, dependent):
        self._rest = {id(owner): [] for owner in owners}
        for owner, *output in zip(owners, moved, clean, dependent, strict=True):
            self._rest[id(owner)].append(output)

    def outputs_of(self, layer, outputs, calling, padding_mask):
        """As of `NotedPlaces`."""
        if id(layer) not in self._rest:
            return outputs

        def move(output):
            if not is_floating(output.dtype):
                return output
            moved, clean, dependent = self._rest[id(layer)].pop(0)
            return with_mask(output + (moved - clean) if dependent else moved, mask_of(output))

        return tree.map_structure(move, outputs)
