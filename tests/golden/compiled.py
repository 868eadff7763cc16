"""The backend's way to compile a function: `tf.function` or `jax.jit`."""

import functools

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    # AutoGraph takes longer over the package's files than a trace; `test_own_loop.py` has it.
    compiled = functools.partial(tf.function, autograph=False)
else:
    from jax import jit as compiled

__all__ = ["compiled"]
