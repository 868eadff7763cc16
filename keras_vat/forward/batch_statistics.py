"""Which statistics normalisation layers use in the passes of the penalties."""

import contextlib

from keras_vat.keras_internals import sublayers

BATCH_STATISTICS = ("batch", "moving", "update")


def normalization_layers(classifier):
    """The layers that keep moving averages of batch statistics."""
    return [
        layer
        for layer in sublayers(classifier)
        if hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance")
    ]


@contextlib.contextmanager
def at_moving_statistics(layers):
    """Within it, normalisation layers use their moving statistics: they are not trainable."""
    trainable = [(thing, thing.trainable) for layer in layers for thing in (layer, *layer.weights)]
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for thing, value in trainable:
            thing.trainable = value
