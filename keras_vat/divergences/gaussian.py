"""Regression: a normal distribution of unit variance around the output."""

import math

from keras import ops

from keras_vat.divergences.output_distribution import OutputDistribution, labels_like


class Gaussian(OutputDistribution):
    """Independent normal outputs of unit variance; the "logits" are the means.

    Formula for each output, of which an example has the mean:

        KL(N(m, 1) || N(n, 1)) = (m - n)^2 / 2
        Fisher information: the identity
        H = log(2 pi e) / 2, whatever the output

    So the divergence is half the mean squared error between the two outputs.

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), section 3.1: regression
        with constant variance.
    """

    name = "gaussian"

    def mean(self, logits):
        return logits

    def kl(self, clean_logits, perturbed_logits):
        return self.per_example(0.5 * ops.square(clean_logits - perturbed_logits))

    def fisher_product(self, logits, tangent):
        return self.shares(tangent)

    def entropy(self, logits):
        return self.per_example(ops.zeros_like(logits) + 0.5 * math.log(2 * math.pi * math.e))

    def negative_log_likelihood(self, y, logits):
        squared_error = ops.square(labels_like(y, logits) - logits)
        return self.per_example(0.5 * squared_error + 0.5 * math.log(2 * math.pi))
