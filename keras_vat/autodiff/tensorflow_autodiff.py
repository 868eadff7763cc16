"""Derivatives, noise and replicas on TensorFlow."""

import tensorflow as tf

LAYERS_WORK_IN_PIPELINES = True
"""Whether `tf.data` pipelines can call Keras's layers, so that augmentation goes into them."""

OPERATIONS_COMPILE_APART = False
"""Whether an operation that runs by itself is compiled first, which takes far longer than it."""

NOT_AN_ARRAY = NotImplementedError
"""What NumPy's functions raise for a tensor that has no numbers yet."""


class Linearization:
    """The value of a function at a point and the two products with its Jacobian.

    The function runs once. Both products reuse that run's activations, so each costs about one
    pass, and neither computes a derivative with respect to weights.

    Formula:

        jvp(d) = J d = d/dt function(inputs + t d) at t = 0
        vjp(u) = J^T u

    `jvp` differentiates the linear map u -> J^T u, which needs no forward-mode rules and no
    second run of the function; what it does not need of J^T u is pruned from a compiled step.

    Args:
        function: Callable from a list of tensors to one tensor, or to a pair of a tensor and
            anything else that the run yields (kept as `auxiliary`).
        inputs: List of floating tensors, the point.
        marks: Whether `function` takes a second argument, `mark`: of a tensor that it computes on
            the way, `mark(tensor)` makes it a further point of derivatives, behind the inputs.
    """

    def __init__(self, function, inputs, marks=False):
        self._inputs, self._num_given = list(inputs), len(inputs)

        def mark(tensor):
            tensor = tf.identity(tensor)  # a layer may return what another one did
            self._tape.watch(tensor)
            self._inputs.append(tensor)
            return tensor

        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as self._tape:
            self._tape.watch(self._inputs)
            self.value, self.auxiliary = function(inputs, mark) if marks else function(inputs)

    def marks_depend(self):
        """For each mark whether it is computed from an earlier one."""
        marks = self._inputs[self._num_given :]
        return [
            any(part is not None for part in self._tape.gradient(mark, marks[:number]))
            for number, mark in enumerate(marks)
        ]

    def reached(self):
        """For each input whether the value depends on it."""
        return [part is not None for part in self._tape.gradient(self.value, self._inputs)]

    def vjp(self, cotangent):
        """`J^T cotangent`: a list of tensors shaped like the inputs."""
        return self._tape.gradient(
            self.value,
            self._inputs,
            output_gradients=cotangent,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )

    def jvp(self, tangents):
        """`J tangents`: a tensor shaped like the value."""
        cotangent = tf.zeros_like(self.value)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(cotangent)
            pulled_back = self.vjp(cotangent)
        return tape.gradient(
            pulled_back,
            cotangent,
            output_gradients=tangents,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )


def gradient(function, inputs):
    """Gradient of the sum of `function(inputs)` with respect to a list of tensors."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        value = function(inputs)
    return tape.gradient(value, inputs, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def is_symbolic(tensor):
    """Whether the tensor's numbers can't be looked at now because a step is being traced."""
    return not hasattr(tensor, "numpy")


def repeat(body, count, carry):
    """A loop that can be differentiated: `carry = body(number, carry)`, `count` times; a tuple."""
    return tf.while_loop(
        lambda number, *_: number < count,
        lambda number, *carry: (number + 1, *body(number, carry)),
        (tf.constant(0), *carry),
        maximum_iterations=count,
    )[1:]


def concrete_value(variable):
    """A variable's numbers as an array, also while a function is traced."""
    with tf.init_scope():
        return variable.numpy()


def sync_variables(model):
    """Nothing to do: variables are always up to date."""


def replica_id():
    """The number of this replica under `tf.distribute`: 0 on a single device."""
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def num_replicas():
    """How many replicas share a global batch: 1 on a single device."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def widest_float():
    """The widest dtype that tensors can have."""
    return "float64"


def compiled(function):
    """A function of tensors, compiled for whatever batches come."""

    def run(*tensors):
        # A function of its own: TensorFlow warns of many traces of one, and methods share theirs.
        return function(*tensors)

    return tf.function(run, reduce_retracing=True, autograph=False)
