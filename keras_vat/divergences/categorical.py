"""One label out of several: softmax over the last axis."""

from keras import ops

from keras_vat.divergences.output_distribution import OutputDistribution, check_rows


class Categorical(OutputDistribution):
    """Softmax over the last axis of the logits.

    Formula for each position, of which an example has the mean:

        p = softmax(logits)
        KL(p || q) = sum_k p_k (log p_k - log q_k)
        Fisher information: diag(p) - p p^T
        H = -sum_k p_k log p_k

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), eq. 17 and 18.
    """

    name = "categorical"
    axes_of_a_part = 1

    def mean(self, logits):
        return ops.softmax(logits, axis=-1)

    def kl(self, clean_logits, perturbed_logits):
        clean = ops.log_softmax(clean_logits, axis=-1)
        perturbed = ops.log_softmax(perturbed_logits, axis=-1)
        return self.per_example(ops.exp(clean) * (clean - perturbed))

    def fisher_product(self, logits, tangent):
        p = ops.softmax(logits, axis=-1)
        return self.shares(p * (tangent - ops.sum(p * tangent, axis=-1, keepdims=True)))

    def entropy(self, logits):
        log_p = ops.log_softmax(logits, axis=-1)
        return -self.per_example(ops.exp(log_p) * log_p)

    def negative_log_likelihood(self, y, logits):
        check_rows(y, logits)
        log_p = ops.log_softmax(logits, axis=-1)
        num_classes = logits.shape[-1]
        if len(y.shape) == len(logits.shape) and y.shape[-1] == 1:
            y = ops.squeeze(y, -1)
        if len(y.shape) == len(logits.shape) - 1:
            y = ops.one_hot(ops.cast(y, "int32"), num_classes, dtype=logits.dtype)
        if len(y.shape) != len(logits.shape) or y.shape[-1] != num_classes:
            raise ValueError(
                "`y` must be class numbers of shape `(batch,)` or one-hot rows of shape "
                f"`(batch, {num_classes})`. Received: y.shape={tuple(y.shape)}, "
                f"output.shape={tuple(logits.shape)}"
            )
        return -self.per_example(ops.cast(y, logits.dtype) * log_p)
