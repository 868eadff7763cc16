"""Layers inside a classifier whose outputs are perturbed, in the place of its inputs."""

import keras
from keras import tree

from keras_vat.forward.perturbable import is_floating
from keras_vat.keras_internals import mask_of, sublayers, with_mask

_LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)


def find_layer(classifier, name):
    """The layer of a name, or of the end of a path as "encoder/embedding"; also a nested one.

    Raises:
        ValueError: If there is none, or more than one.
    """
    layers = sublayers(classifier, include_self=False)
    found = [layer for layer in layers if layer.name == name]
    found = found or [layer for layer in layers if f"/{layer.path}".endswith(f"/{name}")]
    if len(found) == 1:
        return found[0]
    paths = sorted(layer.path or layer.name for layer in found or layers)
    several = "layers of that name" if found else "its layers"
    raise ValueError(
        "`perturb_at` must be the name, or the end of the path, of one layer of the classifier. "
        f"Received: perturb_at={name!r}; {several}: {paths}"
    )


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
    """Gives the outputs of some layers other numbers, in the order of their calls.

    A layer that computes with the outputs of another place goes on doing so: it is moved by the
    same step from what it then returns. The others return the moved numbers as they are, so that a
    compiled step leaves out what led to them.

    Args:
        layers: The layers.
        moved: The moved outputs of all calls.
        clean: Those of the clean pass.
        dependent: For each whether it is computed from another one.
    """

    def __init__(self, layers, moved, clean, dependent):
        self._layers = {id(layer) for layer in layers}
        self._rest = list(zip(moved, clean, dependent, strict=True))

    def outputs_of(self, layer, outputs, calling, padding_mask):
        """As of `NotedPlaces`."""
        if id(layer) not in self._layers:
            return outputs

        def move(output):
            if not is_floating(output.dtype):
                return output
            moved, clean, dependent = self._rest.pop(0)
            return with_mask(output + (moved - clean) if dependent else moved, mask_of(output))

        return tree.map_structure(move, outputs)
