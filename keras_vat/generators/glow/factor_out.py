"""Factoring out: half of the channels leave the flow between two levels."""

from keras import ops


def factor_out(x):
    """What goes on and what is latent from here on: the two halves of the channels."""
    return ops.split(x, 2, axis=-1)


def take_back(x, latent):
    """The inverse of `factor_out`."""
    return ops.concatenate([x, latent], axis=-1)
