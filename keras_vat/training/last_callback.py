"""One more callback at the end of those that `fit` was given."""

import keras


def with_last(callbacks, callback):
    """The callbacks of a `fit`, of whatever kind, with one at the end that was not there."""
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        return [*keras.tree.flatten(callbacks or []), callback]
    if callback not in callbacks.callbacks:
        callbacks.callbacks.append(callback)
        callback.set_model(callbacks.model)
    return callbacks
