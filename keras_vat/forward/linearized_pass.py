"""One pass of the classifier, with its derivatives with respect to the inputs."""

from keras import ops

from keras_vat.autodiff import Linearization
from keras_vat.forward.output_mask import mask_of, with_mask
from keras_vat.forward.perturbable import Perturbable
from keras_vat.keras_internals import leave_logits


class LinearizedPass:
    """The classifier at a batch: its logits and their derivatives with respect to the inputs.

    Attributes:
        outputs: What the classifier returned.
        logits: Its logits, at least float32; gradients flow to the weights.
        target: The logits as a constant.
        distribution: The `OutputDistribution` of the output, without positions that are padding.
        has_exact_logits: Whether the logits are the classifier's own, and not only known up to a
            constant for each example.
        returned_logits: Whether the outputs are the logits.
    """

    def __init__(self, forward, x, call):
        self.x = x

        def run(parts):
            outputs = call(Perturbable(x).put(parts))
            logits = forward.output.logits(outputs)
            self.distribution = forward.output.distribution(outputs)
            self.has_exact_logits = forward.output.has_exact_logits(outputs)
            self.returned_logits = forward.output.are_logits(outputs)
            return logits, (outputs, mask_of(outputs))

        self._linear = Linearization(run, Perturbable(x).parts)
        self.logits = self._linear.value
        self.target = ops.stop_gradient(self.logits)
        outputs, self._mask = self._linear.auxiliary
        self.outputs = with_mask(outputs, self._mask)  # JAX's transformations lose it
        self.distribution = self.distribution.masked(self._mask)

    @property
    def losses(self):
        """Losses that layers added and that would be lost with the run."""
        return self._linear.losses

    def weigh(self, sample_weights):
        """Leaves rows and positions of weight 0 out of the distribution."""
        self.distribution = sample_weights.count(self.distribution, self.logits)

    def as_outputs(self, logits):
        """Logits as the classifier would have returned them, with the mask of its outputs."""
        return with_mask(logits, self._mask)

    def restored(self, logits):
        """What the classifier would have returned, had its logits been these."""
        restored = logits
        if not self.returned_logits:
            restored = self.distribution.mean(logits)
            leave_logits(restored, logits)
        return with_mask(restored, self._mask)

    def vjp(self, cotangent):
        """J^T cotangent: a list, one tensor for each perturbable input."""
        return self._linear.vjp(cotangent)

    def jvp(self, tangents):
        """J tangents, shaped like the logits."""
        return self._linear.jvp(tangents)
