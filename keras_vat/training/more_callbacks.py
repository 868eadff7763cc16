"""More callbacks beside those that `fit` was given."""

import contextlib

import keras


def with_last(callbacks, callback):
    """The callbacks of a `fit`, of whatever kind, with one at the end that was not there."""
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        return [*keras.tree.flatten(callbacks or []), callback]
    if callback not in callbacks.callbacks:
        callbacks.callbacks.append(callback)
        callback.set_model(callbacks.model)
    return callbacks


@contextlib.contextmanager
def between(first, callbacks, last):
    """The callbacks of a `fit`, of whatever kind, between two more, which are gone in the end."""
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        yield [first, *keras.tree.flatten(callbacks or []), last]
        return
    before = list(callbacks.callbacks)
    callbacks.callbacks[:] = [first, *before, last]
    for one in (first, last):
        one.set_model(callbacks.model)
    try:
        yield callbacks
    finally:
        callbacks.callbacks[:] = [one for one in callbacks.callbacks if one not in (first, last)]
