"""Derivatives, noise and replicas on JAX."""

import jax
import numpy as np
from jax import numpy as jnp

from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.keras_internals import raw_value

LAYERS_WORK_IN_PIPELINES = False
"""Whether `tf.data` pipelines can call Keras's layers, so that augmentation goes into them."""

OPERATIONS_COMPILE_APART = True
"""Whether an operation that runs by itself is compiled first, which takes far longer than it."""

NOT_AN_ARRAY = jax.errors.TracerArrayConversionError
"""What NumPy's functions raise for a tensor that has no numbers yet."""


class Linearization:
    """The value of a function at a point and the two products with its Jacobian.

    As on TensorFlow: the function runs once, both products reuse that run. The function may assign
    variables, in a compiled step as well.

    Formula:

        jvp(d) = J d = d/dt function(inputs + t d) at t = 0
        vjp(u) = J^T u

    `jvp` is the transpose of the linear map u -> J^T u.

    Args:
        function: Callable from a list of tensors to one tensor, or to a pair of a tensor and
            anything else that the run yields (kept as `auxiliary`).
        inputs: List of floating tensors, the point.
        marks: Whether `function` takes a second argument, `mark`: of a tensor that it computes on
            the way, `mark(tensor)` makes it a further point of derivatives, behind the inputs.
    """

    def __init__(self, function, inputs, marks=False):
        variables = []
        inputs, self._num_given, self._marked = list(inputs), len(inputs), function
        if marks:
            function, steps = with_steps(function, inputs)
            inputs += steps
        self._function, self._inputs = function, inputs

        def pure(inputs):
            with InnerScope() as scope:
                value, auxiliary = function(inputs)
            variables.extend(scope.updated)
            values = [scope.get_current_value(variable) for variable in scope.updated]
            return value, (auxiliary, values)

        self.value, self._pull_back, found = jax.vjp(pure, inputs, has_aux=True)
        self.auxiliary, values = found
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def reached(self):
        """For each input whether the value depends on it."""

        def value(inputs):
            with InnerScope():
                return self._function(inputs)[0]

        jaxpr = jax.make_jaxpr(value)(self._inputs).jaxpr
        return needed_for(jaxpr, jaxpr.outvars)

    def marks_depend(self):
        """For each mark whether it is computed from an earlier one."""
        count = self._num_given

        def marked(inputs):
            steps, found = iter(inputs[count:]), []

            def mark(tensor):
                found.append(tensor)
                return tensor + next(steps)

            with InnerScope():
                self._marked(inputs[:count], mark)
            return found

        jaxpr = jax.make_jaxpr(marked)(self._inputs).jaxpr
        return [any(needed_for(jaxpr, [output])[count:]) for output in jaxpr.outvars]

    def vjp(self, cotangent):
        """`J^T cotangent`: a list of tensors shaped like the inputs."""
        return self._pull_back(jnp.asarray(cotangent, self.value.dtype))[0]

    def jvp(self, tangents):
        """`J tangents`: a tensor shaped like the value."""
        transpose = jax.linear_transpose(lambda u: self._pull_back(u)[0], self.value)
        return transpose(tangents)[0]


def needed_for(jaxpr, outputs):
    """For each input of a traced function whether some of its outputs are computed from it."""
    needed = {id(variable) for variable in outputs}
    for equation in reversed(jaxpr.eqns):
        if any(id(variable) in needed for variable in equation.outvars):
            needed |= {id(variable) for variable in equation.invars}
    return [id(variable) in needed for variable in jaxpr.invars]


def with_steps(function, inputs):
    """A function `(inputs, mark)` as one of the inputs and of steps of zero, one for each mark.

    Their shapes are found by tracing, which computes nothing.
    """
    found = []

    def look(inputs):
        def mark(tensor):
            found.append(jax.ShapeDtypeStruct(tensor.shape, tensor.dtype))
            return tensor

        with InnerScope():
            function(inputs, mark)
        return ()

    jax.eval_shape(look, inputs)
    count = len(inputs)

    def moved(inputs_and_steps):
        steps = iter(inputs_and_steps[count:])
        return function(inputs_and_steps[:count], lambda tensor: tensor + next(steps))

    return moved, [jnp.zeros(shape.shape, shape.dtype) for shape in found]


def gradient(function, inputs):
    """Gradient of the sum of `function(inputs)` with respect to a list of tensors."""
    return jax.grad(lambda inputs: jnp.sum(function(inputs)))(inputs)


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
