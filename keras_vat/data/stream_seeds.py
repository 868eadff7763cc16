"""Independent seeds for several streams of random numbers, from the one a user gives."""

import numpy as np

from keras_vat import arguments


def stream_seeds(seed, count):
    """`count` different integers made of `seed`; all `None` if it is.

    Args:
        seed: Integer of at least 0, or `None`.
        count: How many seeds to make.

    Returns:
        List of `count` Python integers, or of `None`.
    """
    if seed is None:
        return [None] * count
    seed = arguments.whole_number("seed", seed, 0)
    # 31 bits: tf.data takes signed seeds.
    return [int(s) >> 1 for s in np.random.SeedSequence(seed).generate_state(count)]
