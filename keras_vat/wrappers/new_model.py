"""What a fit trains, made from the estimator's parameters: a compiled `VATModel`."""

import contextlib
import copy
import inspect
import warnings

import keras

from keras_vat import arguments
from keras_vat.forward import Forward
from keras_vat.regularizers.registry import REGULARIZERS, missing_arguments
from keras_vat.regularizers.regularizer import Regularizer
from keras_vat.vat_model import VATModel
from keras_vat.wrappers.perceptron import perceptron
from keras_vat.wrappers.seeded_globals import seeded_globals


def new_model(estimator, x, num_classes, seed, steps_per_execution):
    """A compiled `VATModel` with initial weights that hang on the seed alone.

    Args:
        estimator: A `VATClassifier`.
        x: A few rows, as they will be trained on.
        num_classes: Number of classes.
        seed: Integer.
        steps_per_execution: As in `keras.Model.compile`.
    """
    regularizers = estimator.regularizer
    if regularizers is None:
        regularizers = []
    elif not isinstance(regularizers, (list, tuple)):
        regularizers = [regularizers]
    _check_in_use(estimator, regularizers)
    # What is made by name here has a seed of its own; what users bring draws from the global ones.
    by_name = estimator.model is None and all(isinstance(one, str) for one in regularizers)
    with contextlib.nullcontext() if by_name else seeded_globals(seed):
        classifier = _classifier(estimator.model, x.shape[1:], num_classes, seed)
        from_logits = _returns_logits(classifier, x, num_classes)
        regularizers = [
            copy.deepcopy(one)
            if isinstance(one, Regularizer)
            else _made(one, estimator.epsilon, estimator.weight, seed + number)
            for number, one in enumerate(regularizers)
        ]
        model = VATModel(classifier, regularizers, from_logits=from_logits)
        model.compile(
            _optimizer(estimator.optimizer),
            keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits),
            metrics=["accuracy"],
            steps_per_execution=steps_per_execution,
        )
        make_variables(model)
    return model


def make_variables(model):
    """Makes the variables that a first step would make, for which TensorFlow traces it twice."""
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, keras.ops.zeros(1, "int32"), keras.ops.zeros((1, 2)))


def _classifier(model, input_shape, num_classes, seed):
    if model is None:
        return perceptron(input_shape, num_classes, seed)
    if isinstance(model, keras.Model):
        return keras.models.clone_model(model)
    made = model(input_shape, num_classes) if callable(model) else model
    if not isinstance(made, keras.Model):
        raise TypeError(
            "`model` must be None, a Keras model, or a function of `(input_shape, num_classes)` "
            f"that returns one. Received: model={model!r}"
            + (f", which returned {made!r}" if callable(model) else "")
        )
    return made


def _returns_logits(classifier, x, num_classes):
    """Whether it returns logits, and not a softmax's probabilities; the pass also builds it."""
    x = keras.ops.convert_to_tensor(x)
    shape = tuple(getattr(classifier(x, training=False), "shape", ()))
    if shape != (len(x), num_classes):
        raise ValueError(
            f"`model` must end in {num_classes} logits, one for each class, or a softmax over "
            f"them (also where there are two classes). Received: model with outputs of shape "
            f"{('batch', *shape[1:])}"
        )
    return Forward(classifier).read(x).returned_logits


def _made(maker, epsilon, weight, seed):
    """A regularizer by its name, or by a class or function that makes it."""
    make = maker
    if isinstance(maker, str):
        make = REGULARIZERS[arguments.one_of("regularizer", maker, tuple(REGULARIZERS))]
    made = make
    if callable(make):
        given = {"epsilon": epsilon, "weight": weight, "seed": seed}
        made = make(**_taken(make, given, maker))
    if not isinstance(made, Regularizer):
        raise TypeError(
            "`regularizer` must be a name, a keras_vat regularizer, or a class or function that "
            f"makes one. Received: regularizer={maker!r}"
            + (f", which returned {made!r}" if callable(maker) else "")
        )
    return made


def _taken(make, given, maker):
    """What a class or function takes of the arguments; raises where it needs others."""
    known = inspect.signature(make).parameters
    if not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        given = {name: value for name, value in given.items() if name in known}
    missing = missing_arguments(make, given)
    if missing:
        name = getattr(make, "__name__", "...")
        raise ValueError(
            f"`regularizer` needs {', '.join(f'`{one}`' for one in missing)}: give an object, "
            f"{name}({missing[0]}=..., ...), or functools.partial({name}, {missing[0]}=...). "
            f"Received: regularizer={maker!r}"
        )
    return given


def _check_in_use(estimator, regularizers):
    """Warns of an epsilon or weight that none of the regularizers takes."""
    if not regularizers or not all(isinstance(one, Regularizer) for one in regularizers):
        return
    defaults = inspect.signature(type(estimator)).parameters
    for name in ("epsilon", "weight"):
        if getattr(estimator, name) != defaults[name].default:
            warnings.warn(
                f"`{name}` has no effect: a regularizer that is given as an object has its own. "
                "Give what makes it, as functools.partial(keras_vat.regularizers."
                "VirtualAdversarialTraining, scale=...). "
                f"Received: {name}={getattr(estimator, name)!r}",
                stacklevel=3,
            )


def _optimizer(optimizer):
    """A new one, also where the user's has been trained with."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        optimizer = keras.optimizers.serialize(optimizer)
    return keras.optimizers.get(optimizer)
