"""Entropy minimisation (Grandvalet & Bengio, 2005)."""

from keras_vat.regularizers.registry import register
from keras_vat.regularizers.regularizer import Regularizer


@register("entropy", package="keras_vat")
class EntropyMinimization(Regularizer):
    """Entropy minimisation: confident outputs on every example, labelled or not.

    Formula:

        penalty = mean over the batch of H(y | x) = -sum_k p(k | x) log p(k | x)

    Of several labels or positions H is the mean over those that count.

    Used beside virtual adversarial training ("VAT+EntMin" in the paper), with weight 1. It needs
    no pass of its own: the clean pass is shared.

    Args:
        weight: Factor of the penalty.
        name: Name in the logs.
        seed: Integer or `None`; the method draws nothing at random.

    Raises:
        ValueError: for regression, where the entropy does not depend on the output.

    Example:

    >>> model = keras_vat.VATModel(classifier, [
    ...     keras_vat.regularizers.VirtualAdversarialTraining(epsilon=2.0),
    ...     keras_vat.regularizers.EntropyMinimization(),
    ... ])

    Reference:
        Grandvalet and Bengio, "Semi-supervised Learning by Entropy Minimization" (2005); Miyato et
        al., "Virtual Adversarial Training" (arXiv:1704.03976), eq. 18.
    """

    def per_example(self, forward, x, y):
        clean = forward.clean(x)
        if clean.distribution.name == "gaussian":
            raise ValueError(
                "`EntropyMinimization` needs a classifier: the entropy of a regression of unit "
                "variance is constant. Received: output='gaussian'"
            )
        return clean.distribution.entropy(clean.logits)
