"""Compiled models that outlive a fit, so that the next one of the same shape needs no tracing.

What differs between the fits of a search is held in variables: weights, the optimizer's state,
seeds, epsilon. So a fit borrows a compiled model, gives it the numbers of its own, trains it and
takes the numbers back.
"""

import contextlib
import json
import threading

import keras
import numpy as np
from keras import ops

from keras_vat import autodiff
from keras_vat.forward.classifier_output import at_least_float32
from keras_vat.keras_internals import sublayers
from keras_vat.wrappers.new_model import make_variables
from keras_vat.wrappers.seeded_globals import seeded_globals

MOST_MODELS = 8

# Of a regularizer, variables that no tracing looks at.
_NUMBERS = ("epsilon", "weight", "radius", "bad_sample_weight")

_lock = threading.Lock()
_idle = []  # pairs of a key and a compiled model that nobody trains now, the latest used last
_predictors = []  # pairs of a key and a `Predictor`, the latest used last


@contextlib.contextmanager
def trainable(model, num_classes):
    """A model to train in the place of a new one, which has the numbers of it afterwards.

    Args:
        model: A compiled `VATModel` that is built, with its optimizer.
        num_classes: Number of its outputs.
    """
    key = _key(model)
    trained = None if key is None else _take(_idle, key)
    if trained is None and key is not None:
        trained = _copy(model, num_classes)
    if trained is None:
        yield model
        return
    _move_numbers(model, trained)
    yield trained
    _move_numbers(trained, model)
    _put(_idle, key, trained)


def predictor(model, num_classes):
    """A `Predictor` for a `VATModel`, and for others of the same classifier."""
    from_logits = model.loss.from_logits
    key = _key_of(model.classifier, from_logits)
    found = None if key is None else _take(_predictors, key)
    if found is None:
        copy = None if key is None else _copy(model, num_classes)
        if copy is None:
            return Predictor(model.classifier, from_logits)
        found = Predictor(copy.classifier, from_logits)
    _put(_predictors, key, found)
    return found


class Predictor:
    """A classifier's probabilities as a compiled function of its weights.

    Args:
        classifier: A built Keras model. Its own weights are not used.
        from_logits: Whether it returns logits.
    """

    _FEWEST, _MOST = 32, 1024  # rows at once

    def __init__(self, classifier, from_logits):
        def probabilities(numbers, x):
            own = list(zip(classifier.variables, numbers, strict=True))
            with keras.StatelessScope(state_mapping=own):
                outputs = at_least_float32(classifier(x, training=False))
            return ops.softmax(outputs) if from_logits else outputs

        self._run = autodiff.compiled(probabilities)

    def __call__(self, classifier, x):
        """Probabilities, `(rows, classes)`, of a classifier of the same architecture."""
        numbers = [ops.convert_to_tensor(variable) for variable in classifier.variables]
        parts = [
            self._of_batch(numbers, x[start : start + self._MOST])
            for start in range(0, len(x), self._MOST)
        ]
        return np.concatenate(parts)

    def _of_batch(self, numbers, x):
        # Filled up to a power of two: few shapes, however many rows come.
        rows = max(self._FEWEST, 1 << (len(x) - 1).bit_length())
        filled = x[np.minimum(np.arange(rows), len(x) - 1)]
        found = self._run(numbers, ops.convert_to_tensor(filled))
        return ops.convert_to_numpy(found)[: len(x)]


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


def _copy(model, num_classes):
    """The same model with variables of its own; `None` where Keras can't make it from configs."""
    try:
        with seeded_globals(0):  # its weights and seeds are replaced, but making them draws
            copy = type(model).from_config(model.get_config())
        copy.compile_from_config(model.get_compile_config())
        make_variables(copy, num_classes)
        fits = _shapes(copy) == _shapes(model)
    except (TypeError, ValueError, NotImplementedError):
        return None
    return copy if fits else None


def _move_numbers(source, target):
    """Assigns everything that training changes, as copies: steps may take the buffers over."""
    for ours, theirs in zip(_state(source), _state(target), strict=True):
        theirs.assign(np.array(ops.convert_to_numpy(ours)))


def _state(model):
    return [*model.variables, *model.optimizer.variables]


def _key(model):
    """What a compiled model hangs on besides its numbers; `None`: it must not be shared."""
    # A generator's numbers may be folded into the compiled step.
    if any(hasattr(regularizer, "generator") for regularizer in model.regularizers):
        return None
    try:
        config = json.loads(json.dumps([model.get_config(), model.get_compile_config()]))
    except (TypeError, ValueError, NotImplementedError):
        return None
    for regularizer in config[0]["regularizers"]:
        for number in _NUMBERS:
            regularizer["config"].pop(number, None)
    optimizer = config[1]["optimizer"]["config"]
    optimizer.pop("name", None)
    if isinstance(optimizer.get("learning_rate"), float):  # a variable, unless it is a schedule
        optimizer.pop("learning_rate")
    config[0].pop("name")
    return _key_of(model.classifier, config)


def _key_of(classifier, more):
    distributed = autodiff.num_replicas() > 1 or keras.distribution.distribution() is not None
    has_more_than_variables = any(hasattr(layer, "save_assets") for layer in sublayers(classifier))
    if distributed or has_more_than_variables:
        return None
    try:
        config = json.dumps([keras.saving.serialize_keras_object(classifier), more])
    except (TypeError, ValueError, NotImplementedError):
        return None
    return json.dumps([_without_seeds(json.loads(config)), _shapes(classifier)], sort_keys=True)


def _without_seeds(config):
    """A config without what is the state of a seed generator, or has been drawn already."""
    if isinstance(config, dict):
        return {name: _without_seeds(part) for name, part in config.items() if name != "seed"}
    return [_without_seeds(part) for part in config] if isinstance(config, list) else config


def _shapes(model):
    return [[list(v.shape), str(v.dtype), bool(v.trainable)] for v in model.variables]
