"""One pass of the classifier, with its derivatives with respect to the inputs."""

from keras import ops

from keras_vat.autodiff import Linearization
from keras_vat.forward.padded_inputs import as_factor, direct_masks, traced_masks
from keras_vat.forward.perturbable import Perturbable
from keras_vat.keras_internals import leave_logits, with_mask


class LinearizedPass:
    """The classifier at a batch: its logits and their derivatives with respect to the inputs.

    Attributes:
        outputs: What the classifier returned.
        logits: Its logits, at least float32, classes last; gradients flow to the weights.
        target: The logits as a constant.
        distribution: The `OutputDistribution` of the output, without positions that are padding.
        has_exact_logits: Whether the logits are the classifier's own, and not only known up to a
            constant for each example.
        losses: What layers added by `add_loss`.
        moved: Pairs of a variable and the number that it has after the pass.
        returned_logits: Whether the outputs are the logits.
    """

    def __init__(self, forward, x, labelled=False):
        self.x, self._forward = x, forward
        variables = []

        def run(parts):
            reading, observed, moved, losses = forward.run(Perturbable(x).put(parts), labelled)
            self._reading = reading
            self.has_exact_logits = reading.has_exact_logits
            self.returned_logits = reading.returned_logits
            variables[:] = [variable for variable, _ in moved]
            moved = [now for _, now in moved]
            masks, self._all_direct = direct_masks(observed, parts)
            return reading.logits, (reading.outputs, reading.mask, masks, moved, losses)

        self._linear = Linearization(run, Perturbable(x).parts)
        self.logits = self._linear.value
        self.target = ops.stop_gradient(self.logits)
        outputs, self._mask, self._masks, moved, self.losses = self._linear.auxiliary
        self.outputs = with_mask(outputs, self._mask)  # JAX's transformations lose it
        self.moved = list(zip(variables, moved, strict=True))
        self.distribution = self._reading.distribution.masked(self._mask)

    def weigh(self, sample_weights):
        """Leaves rows and positions of weight 0 out of the distribution."""
        self.distribution = sample_weights.count(self.distribution, self.logits)

    def as_outputs(self, logits):
        """Logits as the classifier would have returned them, with the mask of its outputs."""
        return with_mask(self._reading.like_outputs(logits), self._mask)

    def restored(self, logits):
        """What the classifier would have returned, had its logits been these."""
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
        if len(parts) == 1:
            return parts
        read = self._linear.reached()
        return [p if reached else ops.zeros_like(p) for p, reached in zip(parts, read, strict=True)]

    def vjp(self, cotangent):
        """J^T cotangent: a list, one tensor for each perturbable input."""
        return self._linear.vjp(cotangent)

    def jvp(self, tangents):
        """J tangents, shaped like the logits."""
        return self._linear.jvp(tangents)
