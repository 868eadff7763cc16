"""The backend's way to compile a function: `tf.function` or `jax.jit`."""

import keras

if keras.backend.backend() == "tensorflow":
    from tensorflow import function as compiled
else:
    from jax import jit as compiled

__all__ = ["compiled"]
