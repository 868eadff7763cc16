"""Seed states in a saved file, so that a run goes on with the noise it would have had.

Keras saves a layer's variables, but not the states of its seed generators.
"""

import numpy as np

from keras_vat.keras_internals import seed_states


def save(store, key, layer):
    """Writes the seed states of a layer and of all its sublayers under one key."""
    states = seed_states(layer)
    if states:
        store[key] = np.stack([np.asarray(state.value) for state in states])


def load(store, key, layer):
    """Reads them back; a file with other seeds leaves the layer's own (the model is the same)."""
    states = seed_states(layer)
    saved = np.asarray(store[key]) if key in store.keys() else ()
    if len(saved) == len(states):
        for state, value in zip(states, saved, strict=True):
            state.assign(value)
