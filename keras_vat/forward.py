"""One step's view of the classifier: a function of its inputs, under one set of policies."""

import contextlib
import copy

import keras
from keras import ops, tree

from keras_vat import autodiff
from keras_vat.check_batch import check_batch, has_one_input
from keras_vat.classifier_output import ClassifierOutput
from keras_vat.forward_pass import ForwardPass
from keras_vat.inner_scope import InnerScope
from keras_vat.norms import rescaled
from keras_vat.padding import without_padding
from keras_vat.perturbable import is_floating
from keras_vat.saved_seeds import seed_states

BATCH_STATISTICS = ("batch", "moving", "update")


class Forward:
    """The classifier as the methods see it within one step.

    Every pass starts from the same seeds, so that all passes of a step use the same dropout masks,
    and leaves the classifier's state alone: moving averages and seeds move in the labelled pass
    only. The clean pass of a batch runs once, however many regularizers ask for it.

    Args:
        classifier: A Keras model or layer; the first pass builds it if need be.
        training: Whether passes run in training mode.
        output: As in `VATModel`.
        from_logits: As in `VATModel`.
        batch_statistics: As in `VATModel`; without effect unless `training`.
        loss: The compiled loss, as evidence on the output; or `None`.
        compute_loss: Callable `(y, y_pred) -> scalar`, the loss of a batch; `None`: the negative
            log likelihood.

    Raises:
        TypeError: If `classifier` is no Keras model or layer.
        ValueError: In passes of several inputs, if the classifier has one.
    """

    def __init__(
        self,
        classifier,
        training=False,
        output="auto",
        from_logits=None,
        batch_statistics="batch",
        loss=None,
        compute_loss=None,
    ):
        if not isinstance(classifier, keras.layers.Layer):
            raise TypeError(
                "`classifier` must be a built Keras model. "
                f"Received: classifier of type {type(classifier).__name__}"
            )
        self.classifier = classifier
        self.training = training
        self.output = ClassifierOutput(classifier, output, from_logits, loss)
        self._compute_loss = compute_loss
        self._batch_statistics = batch_statistics if training else "batch"
        self._normalization = self._start = None
        self._entrance = None
        self._clean_passes = {}

    def check_inputs(self, x):
        """Raises for several inputs where the classifier has one: labels would count as inputs."""
        if isinstance(x, (tuple, list)) and len(x) > 1 and has_one_input(self.classifier):
            raise ValueError(
                "`x` must be one input, as the classifier has one; of a pair of inputs and labels, "
                f"give its first, `x[0]`. Received: x, a {type(x).__name__} of {len(x)}"
            )

    @classmethod
    def of(cls, classifier, training=False):
        """The view of a classifier; a `Forward` passes through as it is.

        The loss that a plain Keras model was compiled with tells what its output means.
        """
        if isinstance(classifier, cls):
            return classifier
        if hasattr(classifier, "forward"):
            return classifier.forward(training=training)
        return cls(classifier, training, loss=getattr(classifier, "loss", None))

    def labelled(self, x):
        """The pass of plain Keras training: state moves. Shared as the batch's clean pass."""
        self._begin(x)
        clean = ForwardPass(self, x, self._call_and_move_state)
        if self._batch_statistics != "moving" or not self._normalization:
            self._clean_passes[self._key(x)] = clean
        return clean

    def clean(self, x):
        """The clean `ForwardPass` of a batch, computed once."""
        key = self._key(x)
        if key not in self._clean_passes:
            self._clean_passes[key] = ForwardPass(self, x, self._call_and_average)
        return self._clean_passes[key]

    @staticmethod
    def _key(x):
        """A batch is the same batch if its tensors are (a `ForwardPass` keeps them alive)."""
        return tuple(id(tensor) for tensor in tree.flatten(x))

    def logits(self, x):
        """Logits of a pass that a penalty's gradient flows through."""
        return self.output.logits(self._call_and_average(x))

    def loss_gradient(self, x, y):
        """The direction of each example's loss gradient: one tensor for each floating input.

        Its length has no meaning; a gradient of it reaches the weights.
        """
        clean = self.clean(x)

        def loss(logits):
            if self._compute_loss is None:
                return clean.distribution.negative_log_likelihood(y, logits[0])
            return self._compute_loss(y, clean.restored(logits[0]))

        slope = autodiff.gradient(loss, [clean.logits])[0]
        return clean.vjp(rescaled(slope, jointly=self.rows_interact))

    def search(self, x):
        """A `ForwardPass` that only serves to find a perturbation."""
        return ForwardPass(self, x, self._call)

    @property
    def rows_interact(self):
        """Whether batch statistics make one row's output depend on the other rows."""
        moving = self._batch_statistics == "moving"
        return self.training and not moving and bool(self._normalization)

    def without_padding(self, x, parts):
        """A perturbation of a batch, zero where the classifier takes the batch for padding."""
        return parts if self._entrance else without_padding(self.classifier, x, parts)

    def through(self, entrance, x):
        """This view of the classifier behind a map: a `Forward` of `classifier(entrance(z))`.

        Perturbations of z enter before the map, which has nothing that is trained. `x` is a batch
        of the classifier's own inputs.
        """
        self._begin(x)
        view = copy.copy(self)
        view._entrance = entrance
        view._clean_passes = {}
        return view

    def _begin(self, x):
        """Before the first pass: what the policies are about, which exists in built layers only."""
        if self._start is not None:
            return
        self.check_inputs(x)
        check_batch(self.classifier, x)
        if not all(layer.built for layer in self.classifier._flatten_layers()):
            self.classifier(tree.map_structure(lambda t: keras.KerasTensor(t.shape, t.dtype), x))
        self._normalization = normalization_layers(self.classifier)
        self._start = self._state_at_start()

    def _call_and_move_state(self, x):
        return self.output.call(x, self.training)

    def _call(self, x):
        self._begin(x)
        entrance = self._entrance
        with (
            InnerScope(self._start, collect_losses=False) as scope,
            self._normalization_frozen(),
        ):
            outputs = self.output.call(x if entrance is None else entrance(x), self.training)
        self._last_scope = scope
        return outputs

    def _call_and_average(self, x):
        outputs = self._call(x)
        if self._batch_statistics == "update":
            for layer in self._normalization:
                for variable in layer.non_trainable_variables:
                    if any(variable is moved for moved in self._last_scope.updated):
                        variable.assign(self._last_scope.get_current_value(variable))
        return outputs

    def _state_at_start(self):
        """Seeds and other state, but not the statistics that policies are about.

        Frozen weights are no state: they would be copied for nothing.
        """
        if not self.training:
            return []
        state = seed_states(self.classifier)
        for layer in self.classifier._flatten_layers():
            if layer not in self._normalization:
                state += layer._non_trainable_variables
        # Copies: the numbers of now, whatever is assigned later.
        return [(variable, ops.copy(variable)) for variable in state]

    @contextlib.contextmanager
    def _normalization_frozen(self):
        """Normalisation layers use their moving statistics while they are not trainable."""
        if self._batch_statistics != "moving":
            yield
            return
        trainable = [
            (thing, thing.trainable)
            for layer in self._normalization
            for thing in (layer, *layer.weights)
        ]
        for layer in self._normalization:
            layer.trainable = False
        try:
            yield
        finally:
            for thing, value in trainable:
                thing.trainable = value


def moved_by_passes(classifier):
    """The numbers that a pass in training moves, as moving averages: neither weights nor seeds."""
    return [
        variable
        for layer in classifier._flatten_layers()
        for variable in layer._non_trainable_variables
        if is_floating(variable.dtype)
    ]


def normalization_layers(classifier):
    """The layers that keep moving averages of batch statistics."""
    return [
        layer
        for layer in classifier._flatten_layers()
        if hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance")
    ]
