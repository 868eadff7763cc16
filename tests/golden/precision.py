"""How close float64 computations come to NumPy's."""

import keras
import pytest

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"

EXACT = 1e-9

# On JAX Keras computes some functions, such as square roots, in float32, whatever their dtype.
ROUNDED = EXACT if ON_TENSORFLOW else 1e-5

needs_float64 = pytest.mark.skipif(not ON_TENSORFLOW, reason="differences need float64 throughout")
