"""One pass of the classifier, with its derivatives with respect to the inputs."""

import copy

from keras import ops, tree

from keras_vat.autodiff import Linearization
from keras_vat.forward.input_masks import as_factor, direct_masks, traced_masks
from keras_vat.forward.perturbable import Perturbable
from keras_vat.forward.places import NotedPlaces
from keras_vat.keras_internals import leave_logits, mask_of, with_mask


class LinearizedPass:
    """The classifier at a batch: its logits and their derivatives with respect to the inputs.

    Attributes:
        outputs: All that the classifier returned.
        logits: Those of the penalized output, at least float32, classes last; gradients flow to the
            weights.
        target: The logits as a constant.
        distribution: The `OutputDistribution` of the output, without positions that are padding.
        has_exact_logits: Whether the logits are the classifier's own, and not only known up to a
            constant for each example.
        losses: What layers added by `add_loss`.
        moved: Pairs of a variable and the number that it has after the pass.
        returned_logits: Whether the outputs are the logits.
    """

    def __init__(self, forward, x, labelled=False, places=()):
        self.x, self._forward = x, forward
        variables = []

        def run(parts, mark=None):
            noted = NotedPlaces(places, mark)
            reading, outputs, observed, moved, losses = forward.run(
                Perturbable(x).put(parts), labelled, noted if places else None
            )
            self._owners = noted.owners
            self._reading = reading
            self.has_exact_logits = reading.has_exact_logits
            self.returned_logits = reading.returned_logits
            variables[:] = [variable for variable, _ in moved]
            moved = [now for _, now in moved]
            masks, self._all_direct = direct_masks(observed, parts)
            noted = noted.outputs, noted.masks
            of_outputs = [mask_of(output) for output in tree.flatten(outputs)]
            returned = outputs, of_outputs, reading.mask, masks, moved, losses, noted
            return reading.logits, returned

        parts = Perturbable(x).parts
        self._linear = Linearization(run, parts, marks=bool(places))
        self._own = range(len(parts))
        self.logits = self._linear.value
        self.target = ops.stop_gradient(self.logits)
        outputs, of_outputs, self._mask, self._masks, moved, self.losses, noted = (
            self._linear.auxiliary
        )
        self._points, self._masks_of_places = [*parts, *noted[0]], noted[1]
        for output, mask in zip(tree.flatten(outputs), of_outputs, strict=True):
            with_mask(output, mask)  # JAX's transformations lose it
        self.outputs = outputs
        self.moved = list(zip(variables, moved, strict=True))
        self.distribution = self._reading.distribution.masked(self._mask)

    def weigh(self, sample_weights):
        """Leaves rows and positions of weight 0 out of the distribution."""
        self.distribution = sample_weights.count(self.distribution, self.logits)

    def as_outputs(self, logits):
        """Logits as the classifier would have returned them, with the mask of its outputs."""
        return with_mask(self._reading.like_outputs(logits), self._mask)

    def restored(self, logits):
        """What the penalized output would have been, had its logits been these."""
        restored = logits
        if not self.returned_logits:
            restored = self.distribution.mean(logits)
        restored = self._reading.like_outputs(restored)
        if not self.returned_logits:
            leave_logits(restored, self._reading.like_outputs(logits))
        return with_mask(restored, self._mask)

    def counted(self, parts):
        """Tensors like the inputs' floating parts, zero where nothing may move.

        That is where the classifier takes the batch for padding, and in inputs that it doesn't
        read.
        """
        if not self._all_direct:
            self._masks, self._all_direct = traced_masks(self._forward, self.x), True
        parts = [
            part if mask is None else part * as_factor(mask, part)
            for part, mask in zip(parts, self._masks, strict=True)
        ]
        if len(parts) == 1 or self._own[0] != 0:
            return parts
        read = self._linear.reached()
        return [p if reached else ops.zeros_like(p) for p, reached in zip(parts, read, strict=True)]

    def at(self, layers):
        """This pass as a function of what some of its places return.

        Args:
            layers: Layers that are places of this pass.

        Returns:
            The outputs, a list of tensors, layer by layer and of each in the order of its calls;
            for each its layer, and whether it is computed from another one; and the pass, of which
            derivatives are by these.
        """
        calls = [
            number
            for layer in layers
            for number, owner in enumerate(self._owners)
            if owner is layer
        ]
        depend = self._linear.marks_depend() if len(calls) > 1 else [False] * len(self._owners)
        inner, given = copy.copy(self), len(self._points) - len(self._owners)
        inner._own = [given + number for number in calls]
        inner._masks, inner._all_direct = [self._masks_of_places[n] for n in calls], True
        inner.x = [self._points[place] for place in inner._own]
        owners = [self._owners[number] for number in calls]
        return inner.x, owners, [depend[number] for number in calls], inner

    def vjp(self, cotangent):
        """J^T cotangent: a list, one tensor for each perturbable input."""
        pulled_back = self._linear.vjp(cotangent)
        return [pulled_back[place] for place in self._own]

    def jvp(self, tangents):
        """J tangents, shaped like the logits."""
        given = dict(zip(self._own, tangents, strict=True))
        return self._linear.jvp(
            [
                given[place] if place in given else ops.zeros_like(point)
                for place, point in enumerate(self._points)
            ]
        )
