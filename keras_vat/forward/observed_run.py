"""One run of the classifier, and what Keras computes in it: logits, masks, linear endings."""

import keras
from keras import ops, tree

from keras_vat.arguments import shapes_agree
from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.forward.calls_seen import CallsSeen
from keras_vat.forward.perturbable import is_floating
from keras_vat.keras_internals import mask_of

_LINEAR = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.BatchNormalization,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)

# They only average, add, choose or move numbers: as linear as what goes in.
_AVERAGING = (
    keras.layers.Activation,  # a linear one
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.Concatenate,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.Identity,
    keras.layers.Permute,
    keras.layers.Reshape,
    keras.layers.Subtract,
    keras.layers.UpSampling1D,
    keras.layers.UpSampling2D,
)


class ObservedRun:
    """What can be seen of the tensors of one run, for any model: functional, subclassed, nested.

    Args:
        at_inference: Layers that run as at inference, whatever the run's mode is.
        places: The `NotedPlaces` or `MovedPlaces` of the run, or `None`.
    """

    def __init__(self, at_inference=(), places=None):
        self._places = places
        self._padding_masks = []
        self._at_inference = {id(layer) for layer in at_inference}
        self._calling = []
        self._passing = None  # the layer whose softmax or sigmoid lets its input through
        self._activations = {}  # id of an output -> (name, logits, axis)
        self._producers = {}  # id of an output -> (layer, its inputs), of the innermost layer
        self._kept = []  # ids are those of tensors that live
        self._masks = set()  # ids of those that have been seen
        self.masked = []
        """Pairs of a floating tensor without a mask and the mask that came upon it."""

    def watching(self):
        """A context for the run."""
        return CallsSeen(self._around_layer, self._around_activation)

    def behind(self, outputs):
        """`(name, logits, axis)` of the softmax or sigmoid that returned a tensor, or `None`."""
        found = self._activations.get(id(outputs))
        layer, inputs = self._producers.get(id(outputs), (None, ()))
        if found is None and len(inputs) == 1 and _returns_its_input(layer):
            return self.behind(inputs[0])
        return found

    def ends_linear(self, outputs):
        """Whether a tensor is an affine function of hidden numbers, as logits are."""
        layer, inputs = self._producers.get(id(outputs), (None, ()))
        while isinstance(layer, (keras.layers.TimeDistributed, keras.layers.SpectralNormalization)):
            layer = layer.layer
        if not _is_linear(getattr(layer, "activation", None)):
            return False
        if isinstance(layer, _LINEAR):
            return True
        return isinstance(layer, _AVERAGING) and bool(inputs) and all(map(self.ends_linear, inputs))

    def _around_layer(self, layer, call, args, kwargs):
        if id(layer) in self._at_inference:
            kwargs = {**kwargs, "training": False}
        given = [part["padding_mask"] for part in args if _has_padding_mask(part)]
        self._padding_masks += given  # an input of its own, as keras-hub's backbones have it
        self._calling.append(layer)
        try:
            outputs = call(*args, **kwargs)
            if self._passing is None and isinstance(layer, keras.layers.TimeDistributed):
                self._see_through(layer, call, args, kwargs, outputs)
        finally:
            self._calling.pop()
        if self._places is not None and self._passing is None:
            outputs = self._places.outputs_of(layer, outputs, self._calling, self._padding_mask)
        if self._passing is None:
            inputs = [t for t in tree.flatten((args, kwargs)) if _is_floating_tensor(t)]
            self._note(layer, inputs, kwargs.get("mask"), outputs)
        return outputs

    def _note(self, layer, inputs, given_mask, outputs):
        for tensor in tree.flatten(outputs):
            self._kept.append(tensor)
            self._producers.setdefault(id(tensor), (layer, inputs))
            mask = mask_of(tensor)
            mask = given_mask if mask is None and ops.is_tensor(given_mask) else mask
            if mask is None or id(mask) in self._masks:
                continue
            self._masks.add(id(mask))
            self._kept.append(mask)
            self.masked += [(t, mask) for t in inputs if mask_of(t) is None and _fits(mask, t)]

    def _padding_mask(self, tensor):
        """The newest mask that was handed on as an input and that can be of a tensor's steps."""
        masks = [mask for mask in self._padding_masks if _fits(mask, tensor)]
        return ops.cast(masks[-1], "bool") if masks else None

    def _around_activation(self, name, function, x, axis):
        x = ops.convert_to_tensor(x)
        if self._passing is not None and self._calling[-1] in self._passing:
            return x
        outputs = function(x)
        self._kept.append(outputs)
        self._activations[id(outputs)] = (name, x, axis)
        return outputs

    def _see_through(self, layer, call, args, kwargs, outputs):
        """Notes the logits of every step where a `TimeDistributed` layer ends in an activation.

        They are what it returns where this activation lets its input through.
        """
        inner = layer.layer
        while isinstance(inner, keras.Sequential) and inner.layers:
            inner = inner.layers[-1]
        is_softmax = isinstance(inner, keras.layers.Softmax)
        activation = "softmax" if is_softmax else _name(getattr(inner, "activation", None))
        if activation not in ("softmax", "sigmoid"):
            return
        self._passing = (inner, layer)
        try:
            with InnerScope(collect_losses=False):
                logits = call(*args, **kwargs)
        finally:
            self._passing = None
        axis = None
        if activation == "softmax":
            axis = inner.axis if is_softmax else -1
            axis = axis + 1 if isinstance(axis, int) and axis >= 0 else axis
        self._kept.append(outputs)
        self._activations[id(outputs)] = (activation, logits, axis)


def _is_linear(activation):
    return activation is None or _name(activation) == "linear"


def _name(activation):
    return getattr(activation, "__name__", None)


def _returns_its_input(layer):
    if isinstance(layer, keras.layers.Activation):
        return _is_linear(layer.activation)
    return isinstance(layer, keras.layers.Identity)


def _has_padding_mask(inputs):
    return isinstance(inputs, dict) and ops.is_tensor(inputs.get("padding_mask"))


def _is_floating_tensor(thing):
    return ops.is_tensor(thing) and is_floating(thing.dtype)


def _fits(mask, tensor):
    """Whether a mask can be of the steps of a tensor."""
    steps = tensor.shape[: len(mask.shape)]
    return len(mask.shape) > 1 and shapes_agree(mask.shape, steps)
