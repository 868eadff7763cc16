"""Compiled models that outlive a fit, so that the next one of the same shape needs no tracing.

What differs between the fits of a search is held in variables: weights, the optimizer's state,
seeds, epsilon. So a fit borrows a compiled model, gives it the numbers of its own, trains it and
takes the numbers back.
"""

import contextlib
import threading

import keras
import numpy as np
from keras import ops

from keras_vat.wrappers.architecture_key import key_of_classifier, key_of_model
from keras_vat.wrappers.new_model import make_variables
from keras_vat.wrappers.predictor import Predictor
from keras_vat.wrappers.seeded_globals import seeded_globals

MOST_MODELS = 8

_lock = threading.Lock()
_idle = []  # pairs of a key and a compiled model that nobody trains now, the latest used last
_predictors = []  # pairs of a key and a `Predictor`, the latest used last


@contextlib.contextmanager
def trainable(model):
    """A model to train in the place of a new one, which has the numbers of it afterwards.

    Args:
        model: A compiled `VATModel` that is built, with its optimizer.
    """
    key = key_of_model(model)
    if key is None:
        yield model
        return
    trained = _take(_idle, key)
    if trained is None:
        with seeded_globals(0):  # its weights and seeds are replaced, but making them draws
            trained = type(model).from_config(model.get_config())
            trained.compile_from_config(model.get_compile_config())
        make_variables(trained)
    _move_numbers(model, trained)
    yield trained  # where the fit fails, it is kept by nobody
    _move_numbers(trained, model)
    _put(_idle, key, trained)


def predictor(classifier, from_logits):
    """A `Predictor` of a classifier, shared by all of its architecture."""
    key = key_of_classifier(classifier, from_logits)
    if key is None:
        return Predictor(classifier, from_logits)
    found = _take(_predictors, key)
    if found is None:
        with seeded_globals(0):
            config = keras.saving.serialize_keras_object(classifier)
            copy = keras.saving.deserialize_keras_object(config)
        found = Predictor(copy, from_logits)
    _put(_predictors, key, found)
    return found


def _take(pairs, key):
    with _lock:
        for place in reversed(range(len(pairs))):
            if pairs[place][0] == key:
                return pairs.pop(place)[1]
    return None


def _put(pairs, key, value):
    with _lock:
        pairs.append((key, value))
        del pairs[:-MOST_MODELS]


def _move_numbers(source, target):
    """Assigns everything that training changes, as copies: steps may take the buffers over."""
    for ours, theirs in zip(_state(source), _state(target), strict=True):
        theirs.assign(np.array(ops.convert_to_numpy(ours)))


def _state(model):
    return [*model.variables, *model.optimizer.variables]
