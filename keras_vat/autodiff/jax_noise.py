"""Noise on JAX."""

import keras


def normal(shape, seed_generator):
    """Standard normal float32 numbers from a `keras.random.SeedGenerator`."""
    return keras.random.normal(shape, dtype="float32", seed=seed_generator)
