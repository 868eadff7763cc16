"""What a fit trains, made from the estimator's parameters: a compiled `VATModel`."""

import contextlib
import copy
import inspect

import keras

from keras_vat import arguments
from keras_vat.forward import Forward
from keras_vat.regularizers.registry import REGULARIZERS, get, missing_arguments
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
    # What is made by name here has a seed of its own; what users bring draws from the global ones.
    by_name = estimator.model is None and all(isinstance(one, str) for one in regularizers)
    with contextlib.nullcontext() if by_name else seeded_globals(seed):
        classifier = _classifier(estimator.model, x.shape[1:], num_classes, seed)
        from_logits = _returns_logits(classifier, x, num_classes)
        regularizers = [
            _by_name(one, estimator.epsilon, estimator.weight, seed + number)
            if isinstance(one, str)
            else copy.deepcopy(one)
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


def _by_name(name, epsilon, weight, seed):
    cls = REGULARIZERS[arguments.one_of("regularizer", name, tuple(REGULARIZERS))]
    given = {"weight": weight, "seed": seed}
    if "epsilon" in inspect.signature(cls).parameters:
        given["epsilon"] = epsilon
    missing = missing_arguments(cls, given)
    if missing:
        raise ValueError(
            f"`regularizer` '{name}' needs {', '.join(f'`{one}`' for one in missing)}: give an "
            f"object, keras_vat.regularizers.{cls.__name__}(...). Received: regularizer={name!r}"
        )
    return get(name, **given)


def _optimizer(optimizer):
    """A new one, also where the user's has been trained with."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        optimizer = keras.optimizers.serialize(optimizer)
    return keras.optimizers.get(optimizer)
