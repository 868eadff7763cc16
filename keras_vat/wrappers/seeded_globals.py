"""What draws from global seeds, made to draw from one of its own."""

import contextlib
import random
import threading

import numpy as np

from keras_vat.keras_internals import own_names_and_noise

_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def seeded_globals(seed):
    """A block whose layers get the same weights and seeds each time.

    Keras's layers draw their seeds from Python's generator where none is given. Afterwards that
    one, NumPy's and Keras's are as they were.

    Args:
        seed: Integer.
    """
    with _one_at_a_time, own_names_and_noise(seed):
        before = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])
