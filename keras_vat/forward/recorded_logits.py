"""The input of a model's last softmax or sigmoid, seen while the model runs."""

import contextlib

import keras


@contextlib.contextmanager
def recorded_logits(operation):
    """Within it, a list that holds the logits of the last call of a model that ends so.

    Keras's activations leave the logits on their result; JAX's tensors can't carry them.

    Args:
        operation: The last operation: a layer with an `activation`, or `keras.layers.Softmax`.
    """
    recorded = []
    is_layer = isinstance(operation, keras.layers.Softmax)
    name = "call" if is_layer else "activation"
    original = getattr(operation, name)

    def record(logits, *args, **kwargs):
        recorded[:] = [logits]
        return original(logits, *args, **kwargs)

    # Past Keras's own bookkeeping of attributes, which this is none of.
    object.__setattr__(operation, name, record)
    try:
        yield recorded
    finally:
        if is_layer:
            object.__delattr__(operation, name)
        else:
            object.__setattr__(operation, name, original)
