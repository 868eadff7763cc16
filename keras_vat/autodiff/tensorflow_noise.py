"""Noise on TensorFlow."""

import tensorflow as tf


def normal(shape, seed_generator):
    """Standard normal float32 numbers from a `keras.random.SeedGenerator`.

    As `keras.random.normal`, but with the algorithm named: of its own choice, XLA takes one that is
    thirty times slower on a CPU.
    """
    seed = tf.cast(seed_generator.next(), "int32")
    return tf.random.stateless_normal(shape, seed, alg="philox")
