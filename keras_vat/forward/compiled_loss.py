"""The loss that a model was compiled with, of a batch whose logits are known."""

import keras
from keras import tree

from keras_vat import autodiff, keras_internals
from keras_vat.forward.output_meaning import only_loss

# Keras's cross-entropies, as functions and as classes, by the kind of output.
_OF_A_SOFTMAX = {
    keras.losses.sparse_categorical_crossentropy: keras.losses.SparseCategoricalCrossentropy,
    keras.losses.categorical_crossentropy: keras.losses.CategoricalCrossentropy,
    keras.losses.categorical_focal_crossentropy: keras.losses.CategoricalFocalCrossentropy,
}
_OF_SIGMOIDS = {
    keras.losses.binary_crossentropy: keras.losses.BinaryCrossentropy,
    keras.losses.binary_focal_crossentropy: keras.losses.BinaryFocalCrossentropy,
}
_CROSS_ENTROPIES = {"categorical": _OF_A_SOFTMAX, "bernoulli": _OF_SIGMOIDS}


class CompiledLoss:
    """A compiled loss as a function of logits: all that Keras makes of it, and no clipping.

    Label smoothing, ignored classes, masks, sample weights and the loss's own weight are Keras's.
    Of probabilities some backends clip a cross-entropy, and its gradient ends there; where the
    logits are known, it is computed from these, on every backend.

    Args:
        model: The compiled Keras model.
        loss: Its loss for one output: a name, a function or an object.
        weight: The weight of this loss, a number, or `None`.
    """

    def __init__(self, model, loss, weight=None):
        self._of_outputs = keras_internals.compiled_loss(model, loss, weight)
        self._of_logits = {
            kind: keras_internals.compiled_loss(model, of_logits(loss, names), weight)
            for kind, names in _CROSS_ENTROPIES.items()
            if of_logits(loss, names) is not None
        }

    @classmethod
    def of(cls, model, penalized):
        """That of one output of a compiled model; `None` if it has none.

        Args:
            model: The compiled Keras model.
            penalized: The `PenalizedOutput`.
        """
        loss = only_loss(penalized.part(model.loss))
        if loss is None or isinstance(loss, (list, tuple, dict)):
            return None
        weight = penalized.part(keras_internals.loss_weights(model))
        weights = [] if weight is None else tree.flatten(weight)
        return cls(model, loss, weights[0] if weights else None)

    def __call__(self, y, clean, logits, sample_weight=None):
        """The loss of a batch, a scalar.

        Args:
            y: Labels, one tensor.
            clean: The `LinearizedPass` of the batch: what its outputs are made of.
            logits: The logits that the outputs would have been made of.
            sample_weight: As `fit` takes it.
        """
        of_logits = self._of_logits.get(clean.distribution.name)
        if of_logits is None or clean.returned_logits:
            loss = self._of_outputs(y, clean.restored(logits), sample_weight)
        else:
            loss = of_logits(y, clean.as_outputs(logits), sample_weight)
        return loss * autodiff.num_replicas()  # a replica's part of the global mean, says Keras


def of_logits(loss, cross_entropies):
    """A cross-entropy of probabilities as one of logits; `None` for any other loss.

    Args:
        loss: A name, a function or an object.
        cross_entropies: Dictionary of functions to the classes that stand for them.
    """
    for function, kind in cross_entropies.items():
        if loss is function:
            return kind(from_logits=True)
        if type(loss) is kind and not loss.from_logits:
            return kind.from_config({**loss.get_config(), "from_logits": True})
    return None
