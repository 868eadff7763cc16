"""What replicas that share a global batch must agree on, under `tf.distribute`."""

import tensorflow as tf

from keras_vat import autodiff
from keras_vat.keras_internals import in_several_processes, raw_value


def check_strategy(strategy):
    """Raises for a strategy under which a model can't be trained."""
    if isinstance(strategy, tf.distribute.ParameterServerStrategy):
        raise ValueError(
            "`VATModel` can't be trained under tf.distribute.ParameterServerStrategy, whose "
            "workers don't step together, and Keras 3 does not support it. Use "
            "tf.distribute.MultiWorkerMirroredStrategy for several machines, MirroredStrategy for "
            f"several devices of one. Received: strategy={type(strategy).__name__}"
        )


def check_variables(strategy, classifier):
    """Raises for weights made outside of the scope that they are trained in.

    What is not trained, as a frozen layer or a regularizer's numbers, may come from outside.

    Args:
        strategy: The model's strategy.
        classifier: The Keras model that it trains.
    """
    for variable in classifier.trainable_variables:
        if not strategy.extended.variable_created_in_scope(raw_value(variable)):
            raise ValueError(
                "`classifier` must be made in the strategy's scope, as the VATModel is: make both "
                "inside of one `with strategy.scope():`. Received: "
                f"weight '{variable.path}', made outside of {type(strategy).__name__}"
            )


def agree(condition, rows):
    """Exchanges between the replicas of a step what depends on all of them.

    Replicas average their gradients. Weighted by the shares, means over the rows of each become
    the mean over the rows of all, also where a last batch can't be split evenly.

    Args:
        condition: Scalar boolean tensor.
        rows: List of scalar tensors, numbers of rows that this replica holds.

    Returns:
        Whether the condition holds on every replica; and for each number of rows its ratio to
        the replicas' mean, 1.0 on a single device.
    """
    replicas = autodiff.num_replicas()
    if replicas == 1:
        return condition, [1.0] * len(rows)
    rows = [tf.cast(count, "float32") for count in rows]
    here = tf.stack([tf.cast(tf.logical_not(condition), "float32"), *rows])
    everywhere = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here)
    shares = [
        tf.math.divide_no_nan(replicas * count, total)
        for count, total in zip(rows, tf.unstack(everywhere[1:]), strict=True)
    ]
    return tf.equal(everywhere[0], 0.0), shares


def everywhere(condition):
    """Whether a condition, a scalar boolean tensor, holds on every replica of a step."""
    if autodiff.num_replicas() == 1:
        return condition
    broken = tf.cast(tf.logical_not(condition), "float32")
    context = tf.distribute.get_replica_context()
    return tf.equal(context.all_reduce(tf.distribute.ReduceOp.SUM, broken), 0.0)


def unshared(value, share):
    """A replica's part of a global mean, turned back to a mean over its own rows."""
    replicas = autodiff.num_replicas()
    if replicas == 1:
        return value
    return tf.math.divide_no_nan(replicas * value, tf.cast(share, value.dtype))


def several_workers(strategy):
    """Whether the strategy spans several processes, each of which runs `fit`."""
    mirrored = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return mirrored and in_several_processes(strategy)


def as_reducible(logs):
    """Logs in the shape that Keras averages between workers: along an axis."""
    strategy = tf.distribute.get_strategy()
    if not several_workers(strategy):
        return logs
    return {name: tf.reshape(value, (1,)) for name, value in logs.items()}
