"""Seeds of `tf.data` for one pass after the other."""

import tensorflow as tf


def pass_seeds(seed):
    """An endless dataset of seeds, others in each iteration, that follow from `seed` alone.

    Args:
        seed: Integer; or `None`: from TensorFlow's global seed, if set, else random.
    """
    if seed is None:
        return tf.data.Dataset.random(rerandomize_each_iteration=True)
    return _following_from(tf.constant(seed, "int64"))


@tf.function
def _following_from(seed):
    # tf.data mixes in the global seed: here that of this function's graph.
    tf.compat.v1.set_random_seed(1)
    return tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
