"""Batch normalisation with the papers' constants."""

from keras import layers


def batch_normalization(name, **kwargs):
    """A `BatchNormalization` layer with the VAT authors' epsilon and momentum."""
    return layers.BatchNormalization(epsilon=1e-6, momentum=0.99, name=name, **kwargs)
