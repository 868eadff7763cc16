"""One pass of the classifier, with its derivatives with respect to the inputs."""

from keras import ops

from keras_vat.autodiff import Linearization
from keras_vat.perturbable import Perturbable


class ForwardPass:
    """The classifier at a batch: its logits and their derivatives with respect to the inputs.

    Attributes:
        outputs: What the classifier returned.
        logits: Its logits, at least float32; gradients flow to the weights.
        target: The logits as a constant.
        distribution: The `OutputDistribution` of the output.
    """

    def __init__(self, forward, x, call):
        self.x = x
        self._linear = Linearization(
            lambda parts: self._run(forward, call, Perturbable(x).put(parts)),
            Perturbable(x).parts,
        )
        self.outputs, self.distribution = self._linear.auxiliary
        self.logits = self._linear.value
        self.target = ops.stop_gradient(self.logits)

    @staticmethod
    def _run(forward, call, x):
        outputs = call(x)
        logits = forward.output.logits(outputs)
        return logits, (outputs, forward.output.distribution(outputs))

    def vjp(self, cotangent):
        """J^T cotangent: a list, one tensor for each perturbable input."""
        return self._linear.vjp(cotangent)

    def jvp(self, tangents):
        """J tangents, shaped like the logits."""
        return self._linear.jvp(tangents)
