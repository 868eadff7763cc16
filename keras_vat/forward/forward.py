"""One step's view of the classifier: a function of its inputs, under one set of policies."""

import copy

import keras
from keras import ops, tree

from keras_vat import autodiff
from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.divergences.output_distribution import check_rows
from keras_vat.forward.batch_statistics import normalization_layers
from keras_vat.forward.check_batch import are_several_inputs, check_batch
from keras_vat.forward.compiled_loss import CompiledLoss
from keras_vat.forward.has_forward import HasForward
from keras_vat.forward.linearized_pass import LinearizedPass
from keras_vat.forward.moved_state import MovedState
from keras_vat.forward.norms import rescaled
from keras_vat.forward.observed_run import ObservedRun
from keras_vat.forward.outputs_of_runs import OutputsOfRuns
from keras_vat.forward.places import MovedPlaces, find_layer
from keras_vat.forward.weighted_batches import WeightedBatches, count_rows
from keras_vat.keras_internals import make_global_seed_generator, sublayers


class Forward(WeightedBatches, OutputsOfRuns):
    """The classifier as the methods see it within one step.

    Every pass starts from the same seeds, so that all passes of a step use the same dropout masks,
    and leaves the classifier's state alone: seeds move in the labelled pass only, moving averages
    by the policy. The clean pass of a batch runs once, however many regularizers ask for it.

    Args:
        classifier: A Keras model or layer; the first pass builds it if need be.
        training: Whether passes run in training mode.
        output: As in `VATModel`.
        from_logits: As in `VATModel`.
        batch_statistics: As in `VATModel`; without effect unless `training`.
        loss: The compiled loss, as evidence on the output; or `None`.
        compiled: The Keras model that was compiled with this loss: the loss of a batch is its own.
            `None`: the negative log likelihood.
        penalized_output: As in `VATModel`.
        perturb_at: Names of the layers whose outputs methods perturb: clean passes note them.
        updates: Number of updates of the weights so far, a scalar tensor, or `None`.

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
        compiled=None,
        perturb_at=(),
        penalized_output=None,
        updates=None,
    ):
        if not isinstance(classifier, keras.layers.Layer):
            raise TypeError(
                "`classifier` must be a built Keras model. "
                f"Received: classifier of type {type(classifier).__name__}"
            )
        self.classifier = classifier
        self.training = training
        self._say(classifier, output, from_logits, loss, penalized_output)
        self._compiled = compiled if getattr(compiled, "compiled", False) else None
        self._compiled_loss = None
        self._batch_statistics = batch_statistics if training else "batch"
        self._normalization = None
        self._entrance = self._at = None
        self._perturb_at = list(perturb_at)
        self._clean_passes, self._weights = {}, {}
        self._state = MovedState(self._batch_statistics, updates)
        self.notes = {}
        """What methods count in a step for the logs, by the name of the metric."""

    @property
    def moved(self):
        """Pairs of a variable that the step's passes moved and its new number.

        Nothing is assigned by the passes themselves: whoever makes the step does that in the end.
        """
        return self._state.moved

    def check_inputs(self, x):
        """Raises for several inputs where the classifier has one: labels would count as inputs."""
        if self._at is not None:
            return
        if are_several_inputs(x, self.classifier):
            raise ValueError(
                "`x` must be one input, as the classifier has one; of a pair of inputs and labels, "
                f"give its first, `x[0]`. Received: x, a {type(x).__name__} of {len(x)}"
            )

    @classmethod
    def of(cls, classifier, training=False):
        """The view of a classifier; a `Forward` passes through as it is.

        The loss that a plain Keras model was compiled with is its loss here as well, and tells what
        its output means.
        """
        if isinstance(classifier, cls):
            return classifier
        if isinstance(classifier, HasForward):
            return classifier.forward(training=training)
        loss = getattr(classifier, "loss", None)
        return cls(classifier, training, loss=loss, compiled=classifier)

    def by_likelihood(self):
        """This view, whose loss is -log p(y | x) whatever loss was compiled."""
        view = copy.copy(self)
        view._compiled = None
        return view

    def trained(self, x):
        """The pass of plain Keras training where no method needs it: `(outputs, losses)`."""
        self._begin(x)
        outputs, _, moved, losses = self.call(x, labelled=True)
        self._state.take(count_rows(x), moved, labelled=True)
        # Within JAX's step a layer knows its losses by identity: these are counted apart.
        return outputs, [ops.copy(loss) for loss in losses]

    def labelled(self, x):
        """The pass of plain Keras training: state moves. Shared as the batch's clean pass."""
        self._begin(x)
        clean = LinearizedPass(self, x, labelled=True, places=self._places())
        self._state.take(count_rows(x), clean.moved, labelled=True)
        if self._batch_statistics != "moving" or not self._normalization:
            self._keep(x, clean)
        return clean

    def clean(self, x):
        """The clean `LinearizedPass` of a batch, computed once."""
        self._begin(x)
        key = self._key(x)
        if key not in self._clean_passes:
            clean = LinearizedPass(self, x, places=self._places())
            self._state.take(count_rows(x), clean.moved, perturbed=self._entrance is not None)
            self._keep(x, clean)
        return self._clean_passes[key]

    def feed_averages(self, x):
        """Lets the rows of a batch move the averages, unless a clean pass has done so."""
        if self._state.averages_are_shared and self._key(x) not in self._clean_passes:
            self._state.take(count_rows(x), self.call(x)[2])

    def _keep(self, x, clean):
        key = self._key(x)
        self._clean_passes[key] = clean
        if key in self._weights:
            clean.weigh(self._weights[key])

    def logits(self, x):
        """Logits of a pass that a penalty's gradient flows through, classes last."""
        self._begin(x)
        reading, _, _, moved, _ = self.run(x)
        self._state.take(count_rows(x), moved, perturbed=True)
        return reading.logits

    def loss(self, x, y, logits):
        """The loss of a batch, a scalar, had its logits been these."""
        clean, weights = self.clean(x), self._weights.get(self._key(x))
        check_rows(y, logits)
        if self._compiled is not None and self._compiled_loss is None:
            self._compiled_loss = CompiledLoss.of(self._compiled, self._penalized)
        if self._compiled is not None and self._compiled_loss is not None:
            return self._compiled_loss(y, clean, logits, self.sample_weight(x))
        if weights is not None and not weights.one_for_each_row:
            raise ValueError(
                "`sample_weight` must have one weight for each row where no loss was compiled. "
                f"Received: shape {tuple(weights.given.shape)}"
            )
        return self.weighted_mean(x, clean.distribution.negative_log_likelihood(y, logits))

    def loss_gradient(self, x, y):
        """The direction of each example's loss gradient: one tensor for each floating input.

        Its length has no meaning; a gradient of it reaches the weights.
        """
        clean = self.clean(x)
        slope = autodiff.gradient(lambda at: self.loss(x, y, at[0]), [clean.logits])[0]
        return clean.vjp(rescaled(slope, jointly=self.rows_interact))

    def read(self, x):
        """The `Reading` of a pass: the penalized output and what it means."""
        self._begin(x)
        return self.run(x)[0]

    def outputs(self, x):
        """All that the classifier returns."""
        self._begin(x)
        return self.call(x)[0]

    def search(self, x):
        """A `LinearizedPass` that only serves to find a perturbation."""
        self._begin(x)
        return LinearizedPass(self, x)

    @property
    def rows_interact(self):
        """Whether batch statistics make one row's output depend on the other rows."""
        moving = self._batch_statistics == "moving"
        return self.training and not moving and bool(self._normalization)

    def counted(self, x, parts):
        """A perturbation of a batch, zero where the classifier takes the batch for padding.

        And in inputs that it doesn't read, as further columns of a file.
        """
        return parts if self._entrance else self.clean(x).counted(parts)

    def through(self, entrance, x):
        """This view of the classifier behind a map: a `Forward` of `classifier(entrance(z))`.

        Perturbations of z enter before the map, which has nothing that is trained. `x` is a batch
        of the classifier's own inputs.
        """
        self._begin(x)
        view = copy.copy(self)
        view._entrance = entrance
        view._clean_passes, view._weights = {}, {}
        return view

    def at(self, names, x):
        """The view of what follows some layers of the classifier, and the batch there.

        The clean pass is the batch's own; perturbations enter at what the layers return.

        Args:
            names: Names, or ends of paths, of the layers.
            x: A batch of the classifier's own inputs.

        Returns:
            The view, and its batch: a list of tensors, in the order of the names, and for each of
            them in the order of the layer's calls.
        """
        self._begin(x)
        missing = [name for name in names if name not in self._perturb_at]
        if missing:
            self._perturb_at += missing
            self._clean_passes.pop(self._key(x), None)
        layers = [find_layer(self.classifier, name) for name in names]
        points, owners, dependent, clean = self.clean(x).at(layers)
        if not points:
            raise ValueError(
                "`perturb_at` must be a layer that the classifier calls and that returns floating "
                f"numbers. Received: perturb_at={names}"
            )
        view = copy.copy(self)
        view._at = lambda moved: (x, MovedPlaces(owners, moved, points, dependent))
        view._clean_passes, view._weights = {self._key(points): clean}, {}
        if self._key(x) in self._weights:
            view._weights[self._key(points)] = self._weights[self._key(x)]
        return view, points

    def _places(self):
        return [find_layer(self.classifier, name) for name in self._perturb_at]

    def run(self, x, labelled=False, places=None):
        """One pass, read: its `Reading`, and what `call` returns."""
        outputs, observed, moved, losses = self.call(x, labelled, places)
        return self._read(outputs, observed), outputs, observed, moved, losses

    def call(self, x, labelled=False, places=None):
        """One pass: all outputs, the `ObservedRun`, what it moved, and the layers' losses.

        Seeds and other state are those of the step's beginning; moving averages are the newest.
        """
        at_moving = self._batch_statistics == "moving" and not labelled
        if self._at is not None:
            x, places = self._at(x)
        rows = count_rows(x)
        observed = ObservedRun(self._normalization if at_moving else (), places)
        before = self._state.newest_averages
        with InnerScope(before, collect_losses=labelled) as scope, observed.watching():
            x = x if self._entrance is None else self._entrance(x)
            outputs = self.classifier(x, training=self.training)
        return outputs, observed, self._state.after(scope, rows), scope.losses

    def _begin(self, x):
        """Before the first pass: what the policies are about, which exists in built layers only."""
        if self._normalization is not None:
            return
        self.check_inputs(x)
        check_batch(self.classifier, x)
        if not all(layer.built for layer in sublayers(self.classifier)):
            self.classifier(tree.map_structure(lambda t: keras.KerasTensor(t.shape, t.dtype), x))
        self._normalization = normalization_layers(self.classifier)
        self._state.look_at(self._normalization)
        if autodiff.num_replicas() == 1:  # no replica can make it by itself
            make_global_seed_generator()
