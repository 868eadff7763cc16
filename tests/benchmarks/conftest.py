"""Which of these tests another backend than TensorFlow runs."""

import pathlib

import keras

# What a backend changes in the benchmarks is how batches are made; training is tested elsewhere.
collect_ignore = []
if keras.backend.backend() != "tensorflow":
    here = pathlib.Path(__file__).parent
    collect_ignore = [str(path.relative_to(here)) for path in here.rglob("test_*.py")]
    collect_ignore.remove("accuracy/test_data.py")
