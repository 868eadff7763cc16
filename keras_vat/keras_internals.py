"""Every private name of Keras and TensorFlow that the package leans on, and nowhere else.

Each has a function here that says what it is for. A name that an upgrade takes away raises, with
the name in the message; `tests/test_keras_internals.py` fails by name as well.
"""

import contextlib
import random

import keras
from keras.src import backend
from keras.src.backend.common import global_state
from keras.src.random import seed_generator as random_seeds


def sublayers(layer, include_self=True):
    """A layer and all layers inside it, each once, also those that `model.layers` leaves out."""
    return list(_private(layer, "_flatten_layers")(include_self=include_self))


def layers_inside(layer):
    """The layers that a layer or model holds itself, without those inside of these."""
    return list(_private(layer, "_flatten_layers")(include_self=False, recursive=False))


def own_state(layer):
    """The variables of one layer itself that aren't trained: no weights, seeds or sublayers'."""
    return list(_private(layer, "_non_trainable_variables"))


def seed_states(layer):
    """The state variables of a layer's seed generators, in the order of the layers."""
    return [
        generator.state
        for sublayer in sublayers(layer)
        for generator in _private(sublayer, "_seed_generators")
    ]


def trainable_flag(layer):
    """What `layer.trainable` was set to."""
    return _private(layer, "_trainable")


def call_context(layer):
    """What nested calls of layers share: whether they train is its `training`."""
    return _private(layer, "_get_call_context")()


def raw_value(variable):
    """What a variable holds: on TensorFlow its `tf.Variable`, on JAX an array, or `None`."""
    return _private(variable, "_value")


def set_raw_value(variable, value):
    """Gives a variable an array without the checks and copies of `assign` (JAX's trainer)."""
    _private(variable, "_value")
    variable._value = value


def leave_logits(outputs, logits):
    """Notes the logits on probabilities, as Keras's own activations do where tensors carry it."""
    with contextlib.suppress(AttributeError):  # JAX's traced values carry nothing
        outputs._keras_logits = logits


def mask_of(tensor):
    """The mask that Keras's layers left on a tensor, booleans `(batch, positions)`, or `None`."""
    return _private(backend, "get_keras_mask")(tensor)


def with_mask(tensor, mask):
    """A tensor with a mask noted, as layers and compiled losses look for it."""
    if mask is not None:
        _private(backend, "set_keras_mask")(tensor, mask)
    return tensor


def make_global_seed_generator():
    """Makes what `keras.random` draws from without a seed, so that a scope needn't.

    It is seeded by Python's generator, which goes on as if nothing had been drawn.
    """
    make, state = _private(random_seeds, "global_seed_generator"), random.getstate()
    with contextlib.suppress(ValueError):  # within a traced function of JAX Keras refuses it
        make()
    random.setstate(state)


def operation_of(symbolic):
    """The layer or operation that a symbolic tensor comes out of."""
    return _private(symbolic, "_keras_history").operation


def outer_scope(scope):
    """The `keras.StatelessScope` around one that has been entered, or `None`."""
    return _private(scope, "original_scope")


def as_default(build):
    """Marks a `build` before which a call runs the layer on symbols, which builds its parts."""
    _private(keras.layers.Layer.build, "_is_default")
    build._is_default = True
    return build


def loss_tracker(model):
    """The metric that a compiled model logs as `loss`."""
    return _private(model, "_loss_tracker")


def loss_parts(model):
    """The variables of the metrics that a compiled loss of several outputs has for each."""
    compiled = _private(model, "_compile_loss")
    return [] if compiled is None else compiled.variables


def compiled_loss(model, loss, weight=None):
    """What a compiled model computes of labels and of one output, with another loss function.

    Args:
        model: The model.
        loss: A name, a function or an object.
        weight: The weight of this loss, a number, or `None`.

    Returns:
        Callable `(y, y_pred, sample_weight) -> scalar`.
    """
    compiled = _private(model, "_compile_loss")
    return type(compiled)(loss, loss_weights=None if weight is None else float(weight))


def loss_weights(model):
    """The weights of a compiled model's losses, in any structure, or `None`."""
    return _private(_private(model, "_compile_loss"), "_user_loss_weights")


def make_variables(model, batch):
    """Makes what a compiled model lacks yet: variables of metrics, losses and the optimizer.

    `batch`: `(x, y, sample_weight)` of arrays, tensors or `tf.TensorSpec`; nothing is computed.
    """
    _private(model, "_symbolic_build")(data_batch=batch)


def clear_losses(model):
    """Forgets what layers added by `add_loss` in earlier passes."""
    _private(model, "_clear_losses")()


def strategy_of(model):
    """The `tf.distribute` strategy that a model was made under, or `None`."""
    return _private(model, "_distribute_strategy")


def initial_epoch(model):
    """The epoch that `fit` begins with, as `BackupAndRestore` leaves it; `None`: the first."""
    return _private(model, "_initial_epoch")


def set_initial_epoch(model, epoch):
    """Lets a `fit` that has just begun start with an epoch."""
    _private(model, "_initial_epoch")
    model._initial_epoch = epoch


def moments_of(optimizer, variable):
    """Adam's two moments of a variable, and its largest second one (`None` without AMSGrad)."""
    index = _private(optimizer, "_get_variable_index")(variable)
    largest = _private(optimizer, "_velocity_hats")[index] if optimizer.amsgrad else None
    return (
        _private(optimizer, "_momentums")[index],
        _private(optimizer, "_velocities")[index],
        largest,
    )


def in_several_processes(strategy):
    """Whether a `tf.distribute.MultiWorkerMirroredStrategy` spans more than this process."""
    return _private(strategy.extended, "_in_multi_worker_mode")()


@contextlib.contextmanager
def global_noise_kept():
    """A block, or a function, after which `keras.random` without a seed goes on as before it."""
    before = _private(global_state, "get_global_attribute")("global_seed_generator")
    try:
        yield
    finally:
        _private(global_state, "set_global_attribute")("global_seed_generator", before)


@contextlib.contextmanager
def own_names_and_noise(seed):
    """A block in which Keras counts its automatic names anew and draws from a seed of its own.

    Both are the thread's; afterwards they go on as if nothing had been.
    """
    get = _private(global_state, "get_global_attribute")
    put = _private(global_state, "set_global_attribute")
    before = [(name, get(name)) for name in ("object_name_uids", "global_seed_generator")]
    put("object_name_uids", None)
    put("global_seed_generator", keras.random.SeedGenerator(seed))
    try:
        yield
    finally:
        for name, value in before:
            put(name, value)


def batch_spec(iterator):
    """What Keras's iterator over batches yields, as a structure of `tf.TypeSpec`.

    Of what replicas share it is the spec of the first replica's part.
    """

    def of_one_replica(spec):
        if type(spec).__name__ == "PerReplicaSpec":
            spec = _private(spec, "_value_specs")[0]
        return None if type(spec).__name__ == "NoneTensorSpec" else spec

    specs = _private(iterator, "_get_iterator")().element_spec
    return keras.tree.map_structure(of_one_replica, specs)


def functions_of_calls():
    """Where Keras looks up the call of every layer, its softmax and its sigmoid.

    Three pairs of an owner and a name.
    """
    activations = _private(backend, "nn")
    places = [(keras.layers.Layer, "__call__"), (activations, "softmax"), (activations, "sigmoid")]
    for place in places:
        _private(*place)
    return places


def overrides(owner, *names):
    """Class decorator: raises at import unless `owner` has the private methods overridden here.

    A method that Keras no longer calls would be passed over without a word.

    Args:
        owner: The class whose methods they are.
        *names: Their names.
    """

    def check(cls):
        for name in names:
            _private(owner, name)
        return cls

    return check


def _private(owner, name):
    try:
        return getattr(owner, name)
    except AttributeError as error:
        kind = owner if isinstance(owner, type) else type(owner)
        raise AttributeError(
            f"keras_vat needs `{name}` of {kind.__module__}.{kind.__name__}, a private name that "
            f"this version of Keras ({keras.__version__}) or TensorFlow does not have. Install a "
            "version of Keras that this version of keras_vat was tested with"
        ) from error
