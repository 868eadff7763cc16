"""What a compiled step or prediction hangs on, apart from numbers that variables hold."""

import json
import types

import keras

from keras_vat import autodiff
from keras_vat.keras_internals import sublayers

# Of a regularizer: no tracing looks at these, if they are variables.
_NUMBERS = {"epsilon", "weight", "radius", "bad_sample_weight"}


def key_of_classifier(classifier, *more):
    """A string that is the same for classifiers of one architecture; `None`: not to be shared.

    Not shared is what variables and config don't describe whole: layers with files of their own,
    distributed models, and code that isn't Keras's or this package's, which may be written anew
    under the same name.

    Args:
        classifier: A built Keras model.
        *more: More configs to tell apart by.
    """
    distributed = autodiff.num_replicas() > 1 or keras.distribution.distribution() is not None
    if distributed or not _is_told_by_config(classifier):
        return None
    shapes = [[list(v.shape), str(v.dtype), bool(v.trainable)] for v in classifier.variables]
    try:
        config = json.loads(json.dumps([keras.saving.serialize_keras_object(classifier), *more]))
        return json.dumps([_without_seeds(config), shapes], sort_keys=True)
    except (TypeError, ValueError, NotImplementedError):
        return None


def key_of_model(model):
    """The same of a compiled `VATModel`, for its training."""
    # A generator's numbers may be folded into the compiled step.
    folded = any(hasattr(regularizer, "generator") for regularizer in model.regularizers)
    if folded or not all(map(_is_told_by_config, model.regularizers)):
        return None
    settings = model.get_compile_config()
    regularizers = [keras.saving.serialize_keras_object(one) for one in model.regularizers]
    for regularizer, saved in zip(model.regularizers, regularizers, strict=True):
        for number in _NUMBERS & {variable.name for variable in regularizer.variables}:
            saved["config"].pop(number, None)
    optimizer = settings["optimizer"]["config"]
    optimizer.pop("name", None)
    if isinstance(optimizer.get("learning_rate"), float):  # a variable, unless it is a schedule
        optimizer.pop("learning_rate")
    return key_of_classifier(model.classifier, regularizers, settings)


def _is_told_by_config(model):
    """Whether its layers are Keras's or this package's, call no other code and have no files."""
    for layer in sublayers(model):
        functions = [one for one in vars(layer).values() if isinstance(one, types.FunctionType)]
        modules = [code.__module__ for code in (type(layer), *functions)]
        if hasattr(layer, "save_assets") or not all(one.startswith("keras") for one in modules):
            return False
    return True


def _without_seeds(config):
    """A config without seeds, which are the state of a variable or have been drawn already."""
    if isinstance(config, list):
        return [_without_seeds(part) for part in config]
    if not isinstance(config, dict):
        return config
    if not str(config.get("module") or "keras").startswith("keras"):
        raise ValueError(f"{config['module']} is neither Keras's nor this package's")
    return {name: _without_seeds(part) for name, part in config.items() if name != "seed"}
