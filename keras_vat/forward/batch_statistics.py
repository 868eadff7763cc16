"""Which statistics normalisation layers use in the passes of the penalties, and keep."""

from keras_vat.keras_internals import sublayers

BATCH_STATISTICS = ("auto", "batch", "moving", "update")


def normalization_layers(classifier):
    """The layers that keep moving averages of batch statistics."""
    return [
        layer
        for layer in sublayers(classifier)
        if hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance")
    ]
