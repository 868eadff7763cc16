"""Keras's calls of layers, softmaxes and sigmoids, seen by the thread that asks for it."""

import contextvars
import functools
import threading

from keras_vat.keras_internals import functions_of_calls


class CallsSeen:
    """A context in which this thread's calls of layers, softmaxes and sigmoids are seen.

    Keras's own functions are exchanged while at least one thread needs it; in other threads they
    do what they always do. Nothing is put on any layer.

    Args:
        around_layer: Callable `(layer, call, args, kwargs) -> outputs` in the place of the call of
            every layer, from inside out; `call(*args, **kwargs)` is what Keras does.
        around_activation: Callable `(name, function, x, axis) -> outputs` in the place of every
            softmax and sigmoid; of a sigmoid the axis is `None`.
    """

    _lock = threading.Lock()
    _users = 0
    _originals = {}
    _seeing = contextvars.ContextVar("keras_vat_calls_seen", default=None)

    def __init__(self, around_layer, around_activation):
        self.around_layer, self.around_activation = around_layer, around_activation

    def __enter__(self):
        cls = type(self)
        with cls._lock:
            if not cls._users:
                cls._exchange()
            cls._users += 1
        self._token = cls._seeing.set(self)
        return self

    def __exit__(self, *_):
        cls = type(self)
        cls._seeing.reset(self._token)
        with cls._lock:
            cls._users -= 1
            if not cls._users:
                for (owner, name), original in cls._originals.items():
                    setattr(owner, name, original)

    @classmethod
    def _exchange(cls):
        places = functions_of_calls()
        cls._originals = {place: getattr(*place) for place in places}
        layer_call, softmax, sigmoid = cls._originals.values()

        @functools.wraps(layer_call)
        def call_layer(layer, *args, **kwargs):
            seeing = cls._seeing.get()
            if seeing is None:
                return layer_call(layer, *args, **kwargs)
            return seeing.around_layer(layer, layer_call.__get__(layer), args, kwargs)

        @functools.wraps(softmax)
        def call_softmax(x, axis=-1):
            seeing = cls._seeing.get()
            if seeing is None:
                return softmax(x, axis=axis)
            function = functools.partial(softmax, axis=axis)
            return seeing.around_activation("softmax", function, x, axis)

        @functools.wraps(sigmoid)
        def call_sigmoid(x):
            seeing = cls._seeing.get()
            if seeing is None:
                return sigmoid(x)
            return seeing.around_activation("sigmoid", sigmoid, x, None)

        ours = (call_layer, call_softmax, call_sigmoid)
        for (owner, name), function in zip(places, ours, strict=True):
            setattr(owner, name, function)
