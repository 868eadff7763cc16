"""What a classifier's logits say about its labels."""

from keras import ops

from keras_vat.divergences.output_mask import MaskedOutput


class OutputDistribution(MaskedOutput):
    """p(y | x) as a function of the logits, with the exact quantities the methods need.

    Logits have shape `(batch, ...)`. An output with further axes (labels, positions) has several
    independent parts. Divergences, entropies and likelihoods of an example are means over those of
    its parts that count, as Keras's losses are, so that their size doesn't hang on the number of
    parts. Everything is computed from logits: nothing is clipped and no gradient vanishes because
    an output is saturated.
    """

    name = None

    def mean(self, logits):
        """E[y | x]: probabilities, or the regression's mean; shaped like the logits."""
        raise NotImplementedError

    def kl(self, clean_logits, perturbed_logits):
        """KL(clean || perturbed), shape `(batch,)`."""
        raise NotImplementedError

    def fisher_product(self, logits, tangent):
        """The Hessian of `kl` where both logits are equal, times `tangent`: the Fisher product."""
        raise NotImplementedError

    def entropy(self, logits):
        """H(y | x), shape `(batch,)`, in nats."""
        raise NotImplementedError

    def negative_log_likelihood(self, y, logits):
        """-log p(y | x), shape `(batch,)`, in nats."""
        raise NotImplementedError


def check_rows(y, logits):
    """Raises where labels and outputs are known to be of different rows."""
    if None not in (y.shape[0], logits.shape[0]) and y.shape[0] != logits.shape[0]:
        raise ValueError(
            "`y` must have one label for each row of `x`. "
            f"Received: {y.shape[0]} labels for {logits.shape[0]} rows"
        )


def labels_like(y, logits):
    """Labels as floats shaped like the logits, e.g. `(batch,)` for `(batch, 1)`."""
    check_rows(y, logits)
    y = ops.cast(y, logits.dtype)
    if len(y.shape) == len(logits.shape) - 1 and logits.shape[-1] == 1:
        y = ops.expand_dims(y, -1)
    if len(y.shape) != len(logits.shape):
        raise ValueError(
            "`y` must have the shape of the classifier's output. "
            f"Received: y.shape={tuple(y.shape)}, output.shape={tuple(logits.shape)}"
        )
    return y
