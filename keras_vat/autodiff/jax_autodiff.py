"""Derivatives, noise and replicas on JAX."""

import jax
import keras
import numpy as np
from jax import numpy as jnp

from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.keras_internals import raw_value

CARRIES_ATTRIBUTES = False
"""Whether tensors keep what is attached to them, as Keras does with logits."""

LAYERS_WORK_IN_PIPELINES = False
"""Whether `tf.data` pipelines can call Keras's layers, so that augmentation goes into them."""

NOT_AN_ARRAY = jax.errors.TracerArrayConversionError
"""What NumPy's functions raise for a tensor that has no numbers yet."""


class Linearization:
    """The value of a function at a point and the two products with its Jacobian.

    As on TensorFlow: the function runs once, both products reuse that run. The function may assign
    variables and add losses, in a compiled step as well.

    Formula:

        jvp(d) = J d = d/dt function(inputs + t d) at t = 0
        vjp(u) = J^T u

    `jvp` is the transpose of the linear map u -> J^T u.

    Args:
        function: Callable from a list of tensors to one tensor, or to a pair of a tensor and
            anything else that the run yields (kept as `auxiliary`).
        inputs: List of floating tensors, the point.
    """

    def __init__(self, function, inputs):
        variables = []

        def pure(inputs):
            with InnerScope() as scope:
                value, auxiliary = function(inputs)
            variables.extend(scope.updated)
            values = [scope.get_current_value(variable) for variable in scope.updated]
            return value, (auxiliary, values, scope.losses)

        self.value, self._pull_back, found = jax.vjp(pure, inputs, has_aux=True)
        self.auxiliary, values, self.losses = found
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def vjp(self, cotangent):
        """`J^T cotangent`: a list of tensors shaped like the inputs."""
        return self._pull_back(jnp.asarray(cotangent, self.value.dtype))[0]

    def jvp(self, tangents):
        """`J tangents`: a tensor shaped like the value."""
        transpose = jax.linear_transpose(lambda u: self._pull_back(u)[0], self.value)
        return transpose(tangents)[0]


def gradient(function, inputs):
    """Gradient of the sum of `function(inputs)` with respect to a list of tensors."""
    return jax.grad(lambda inputs: jnp.sum(function(inputs)))(inputs)


def normal(shape, seed_generator):
    """Standard normal float32 numbers from a `keras.random.SeedGenerator`."""
    return keras.random.normal(shape, dtype="float32", seed=seed_generator)


def is_symbolic(tensor):
    """Whether the tensor's numbers can't be looked at now because a step is being traced."""
    return isinstance(tensor, jax.core.Tracer)


def repeat(body, count, carry):
    """A loop that can be differentiated: `carry = body(number, carry)`, `count` times; a tuple."""
    return jax.lax.fori_loop(0, count, lambda number, carry: tuple(body(number, carry)), carry)


def concrete_value(variable):
    """A variable's numbers as an array, also while a function is traced.

    `None` in a step of Keras's, which takes them from the variables that the model has been built
    with.
    """
    value = raw_value(variable)
    return None if value is None else np.asarray(value)


def sync_variables(model):
    """Brings a model's variables up to date in the middle of `fit`, which holds the newest."""
    model.jax_state_sync()


def replica_id():
    """Always 0: JAX sees the global batch, of which every device draws its own part."""
    return 0


def num_replicas():
    """Always 1: JAX sees the global batch."""
    return 1


def widest_float():
    """The widest dtype that tensors can have: JAX leaves out `float64` unless it is told."""
    return "float64" if jax.config.jax_enable_x64 else "float32"


def compiled(function):
    """A function of tensors, compiled for every shape of a batch that comes."""
    return jax.jit(function)
