"""The normal distribution q(z | x) with independent entries, from mean and log variance."""

from keras import ops


def draw(mean, log_variance, noise):
    """A draw of z, through which gradients flow to both parameters.

    Formula:

        z = mean + exp(log_variance / 2) * noise,   noise ~ N(0, I)
    """
    return mean + ops.exp(0.5 * log_variance) * noise


def kl_to_standard_normal(mean, log_variance):
    """KL(q(z | x) || N(0, I)), shape `(batch,)`, in nats.

    Formula:

        KL = 1/2 sum(mean^2 + exp(log_variance) - 1 - log_variance)
    """
    terms = ops.square(mean) + ops.expm1(log_variance) - log_variance
    return 0.5 * ops.sum(terms, axis=-1)
