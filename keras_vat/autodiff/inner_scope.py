"""A scope within a scope: what is assigned stays inside, what is not known is looked up outside."""

import keras

from keras_vat.keras_internals import outer_scope


class InnerScope(keras.StatelessScope):
    """A `keras.StatelessScope` that sees the values of the scope it is entered in.

    Keras's own knows nothing of an outer one; a compiled step on JAX is one.

    Args:
        state_mapping: As in `keras.StatelessScope`.
        collect_losses: As there; `None`: as the scope around it does.
        passes_updates: Whether what is assigned goes on to the scope around it, which then must
            be there.

    Attributes:
        updated: The variables that were assigned, in order.
        times: How often each of them was, by its id.
    """

    def __init__(self, state_mapping=None, collect_losses=None, passes_updates=False):
        super().__init__(state_mapping, bool(collect_losses))
        self._passes_updates = passes_updates
        self._collects = collect_losses
        self.updated, self.times = [], {}
        self._outer = None

    def __enter__(self):
        super().__enter__()
        self._outer = outer_scope(self)
        if self._collects is None:
            self.collect_losses = self._outer is not None and self._outer.collect_losses
        return self

    def add_update(self, update):
        if self._passes_updates:
            self._outer.add_update(update)
            return
        super().add_update(update)
        key = id(update[0])
        if key not in self.times:
            self.updated.append(update[0])
        self.times[key] = self.times.get(key, 0) + 1

    def get_current_value(self, variable):
        value = super().get_current_value(variable)
        if value is None and self._outer is not None:
            value = self._outer.get_current_value(variable)
        return value
