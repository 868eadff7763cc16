"""Functions of models that are compiled once, and run on the numbers that these have by then."""

import contextlib
import threading
import weakref

from keras import ops, tree

from keras_vat import autodiff
from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.keras_internals import make_global_seed_generator, raw_value, sublayers

_COMPILED = weakref.WeakKeyDictionary()  # of each first model: key -> (settings, parts, _Compiled)
_NUMBERS = (bool, int, float, str, type(None))
_OF_TRAINING = {  # what `fit` and the like set on a model
    "built",
    "history",
    *("stop_training", "stop_evaluating", "stop_predicting"),
    *(f"{mode}_function" for mode in ("train", "test", "predict")),
}


class CompiledRun:
    """A function of models and tensors, compiled; what it assigns only its own next call sees.

    Compiled once for the same function, models and options, however many runs there are: as in
    `keras.Model.predict`, weights are looked up at each call. A setting of a layer that was changed
    in place is noticed.

    Args:
        function: A function of a module: `function(*models, *tensors, **options)` to a structure of
            tensors. It may be called with symbols.
        models: Keras layers. What is compiled lives as long as the first one.
        kinds: For each further model something hashable; those that have it in common compute
            alike, but for the numbers of their variables. `None`: each is of its own kind.
        options: Hashable keywords of the function.
    """

    def __init__(self, function, *models, kinds=None, **options):
        self._models, self._options = models, options
        self._assigned = {}
        itself = [weakref.ref(model) for model in models]
        kinds = [itself[0], *(kinds or itself[1:])]
        # Whose kind is their own may be set to something else; others are told by their kind.
        own = zip(models, kinds, itself, strict=True)
        settings = [setting for model, kind, ref in own if kind == ref for setting in _set(model)]
        self._compiled = _compiled(models[0], (function, *kinds, *options.items()), settings)

    def __call__(self, *tensors):
        return self._compiled(self._models, self._options, self._assigned, tensors)


def _compiled(owner, key, settings):
    """What was compiled before, if the settings are as they were."""
    found = _COMPILED.setdefault(owner, {})
    marks = [
        (name, value if isinstance(value, _NUMBERS) else id(value)) for name, value in settings
    ]
    if key in found:
        before, parts, compiled = found[key]
        # What took the place of a part that is gone may have its id.
        if before == marks and all(part() is not None for part in parts):
            return compiled
    for other in [other for other in found if _is_dead(other)]:
        del found[other]
    found[key] = marks, _weakly(settings), _Compiled(key[0])
    return found[key][-1]


def _is_dead(key):
    return any(isinstance(part, weakref.ref) and part() is None for part in key)


def _set(model):
    """Pairs of a name and a value: what may be set on the model's layers."""
    for layer in sublayers(model):
        yield from ((id(layer), layer), ("trainable", layer.trainable))
        yield "dtype_policy", layer.dtype_policy
        for name, value in vars(layer).items():
            if not name.startswith("_") and name not in _OF_TRAINING:
                yield name, value


def _weakly(settings):
    """Weak references to all values that can have one."""
    found = []
    for _, value in settings:
        with contextlib.suppress(TypeError):  # numbers, strings, tuples
            found.append(weakref.ref(value))
    return found


class _Compiled:
    """One compiled function of the numbers of variables and of tensors."""

    def __init__(self, function):
        self._function = function
        self._beside = []  # variables of no model that the function reads
        self._call = threading.local()  # what a trace, which may come at any call, works on
        self._runs = {}  # one for each rank and dtype of the tensors

    def __call__(self, models, options, assigned, tensors):
        call, run = self._call, self._traced
        if not getattr(models[0], "run_eagerly", False):
            leaves = [leaf for leaf in tree.flatten(tensors) if leaf is not None]
            kinds = tuple((len(leaf.shape), leaf.dtype) for leaf in leaves)
            if kinds not in self._runs:
                self._runs[kinds] = autodiff.compiled(self._traced)
            run = self._runs[kinds]
        call.models, call.options = models, options
        make_global_seed_generator()  # each thread has its own; not in a trace
        try:
            while True:
                call.variables, call.missed = self._variables(models), []
                numbers = [_number(v, assigned) for v in call.variables]
                found, moved = run(numbers, tensors)
                if not call.missed:
                    break
                self._beside += call.missed  # else their numbers would be those of this call
            for place, value in moved.items():
                assigned[id(call.variables[place])] = value
            return found
        finally:
            vars(call).clear()

    def _variables(self, models):
        models = [variable for model in models for variable in model.variables]
        found = {id(variable): variable for variable in (*models, *self._beside)}
        return [variable for variable in found.values() if raw_value(variable) is not None]

    def _traced(self, numbers, tensors):
        call = self._call
        with _Reads(list(zip(call.variables, numbers, strict=True))) as scope:
            found = self._function(*call.models, *tensors, **call.options)
        call.missed += scope.missed
        moved = {id(variable) for variable in scope.updated}
        places = [i for i, variable in enumerate(call.variables) if id(variable) in moved]
        return found, {i: scope.get_current_value(call.variables[i]) for i in places}


def _number(variable, assigned):
    """What a variable was assigned in this run, else what it holds."""
    found = assigned.get(id(variable))
    return ops.convert_to_tensor(variable) if found is None else found


class _Reads(InnerScope):
    """Notes which variables are read that it was given no number of."""

    def __init__(self, state_mapping):
        super().__init__(state_mapping)
        self.missed = []

    def get_current_value(self, variable):
        value = super().get_current_value(variable)
        if value is None and raw_value(variable) is not None:
            self.missed.append(variable)
        return value
