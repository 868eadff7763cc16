"""What a pass of the classifier moves besides its weights: seeds, moving averages, counters."""

from keras import ops

from keras_vat.forward.perturbable import is_floating
from keras_vat.keras_internals import own_state, seed_states, sublayers


def moved_by_passes(classifier):
    """The numbers that a pass in training moves, as moving averages: neither weights nor seeds."""
    return [
        variable
        for layer in sublayers(classifier)
        for variable in own_state(layer)
        if is_floating(variable.dtype)
    ]


def state_at_start(classifier, normalization):
    """Copies of seeds and other state, as pairs of a variable and its number of now.

    Without the statistics of normalisation layers, which policies are about. Frozen weights are no
    state: they would be copied for nothing.
    """
    state = seed_states(classifier)
    for layer in sublayers(classifier):
        if layer not in normalization:
            state += own_state(layer)
    return [(variable, ops.copy(variable)) for variable in state]
