"""One more callback beside those that `fit` was given."""

import keras


def with_first(callbacks, callback):
    """The callbacks of a `fit`, of whatever kind, with one at the start that was not there."""
    return _with(callbacks, callback, first=True)


def with_last(callbacks, callback):
    """The callbacks of a `fit`, of whatever kind, with one at the end that was not there."""
    return _with(callbacks, callback, first=False)


def _with(callbacks, callback, first):
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = keras.tree.flatten(callbacks or [])
        return [callback, *callbacks] if first else [*callbacks, callback]
    if callback not in callbacks.callbacks:
        callbacks.callbacks.insert(0 if first else len(callbacks.callbacks), callback)
        callback.set_model(callbacks.model)
    return callbacks
