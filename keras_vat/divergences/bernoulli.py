"""Independent yes-or-no labels: one sigmoid per output."""

from keras import ops

from keras_vat.divergences.output_distribution import OutputDistribution, labels_like


class Bernoulli(OutputDistribution):
    """Independent sigmoids: multi-label outputs, or one unit for a binary label.

    Formula for each output, of which an example has the mean, with a and b the clean and the
    perturbed logit:

        p = sigmoid(a)
        KL = p (a - b) - softplus(a) + softplus(b)
        Fisher information: p (1 - p)
        H = softplus(a) - p a
    """

    name = "bernoulli"

    def mean(self, logits):
        return ops.sigmoid(logits)

    def kl(self, clean_logits, perturbed_logits):
        return self.per_example(
            ops.sigmoid(clean_logits) * (clean_logits - perturbed_logits)
            - ops.softplus(clean_logits)
            + ops.softplus(perturbed_logits)
        )

    def fisher_product(self, logits, tangent):
        return self.shares(ops.sigmoid(logits) * ops.sigmoid(-logits) * tangent)

    def entropy(self, logits):
        return self.per_example(ops.softplus(logits) - ops.sigmoid(logits) * logits)

    def negative_log_likelihood(self, y, logits):
        return self.per_example(ops.softplus(logits) - labels_like(y, logits) * logits)
