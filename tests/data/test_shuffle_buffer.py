"""A shuffle buffer never takes more memory than it may."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vat.data import shuffle_buffer as module
from keras_vat.data.shuffle_buffer import shuffle_buffer


def of(*shape, dtype="float32"):
    return tf.data.Dataset.range(9).map(lambda number: tf.zeros(shape, dtype))


def test_many_small_rows_or_as_many_large_ones_as_fit():
    assert shuffle_buffer(of(32, 32, 3)) == 50_000
    assert shuffle_buffer(of(224, 224, 3)) == 2**30 // (4 * 224 * 224 * 3)
    assert shuffle_buffer(of(224, 224, 3, dtype="uint8")) == 2**30 // (224 * 224 * 3)
    assert shuffle_buffer(of(2**15, 2**15)) == 1
    assert shuffle_buffer(of(0)) == 50_000


def test_all_parts_of_a_row_count():
    rows = of(300, 100).map(lambda x: ({"a": x, "b": x}, x[0]))
    assert shuffle_buffer(rows) == 2**30 // (4 * (2 * 300 * 100 + 100))


SIZES = [20, 30, 10, 40]  # 25 on average


@pytest.mark.parametrize(
    ("kind", "row_bytes"), [("strings", 25), ("sizes of their own", 25), ("ragged", 25 + 16)]
)
def test_rows_that_do_not_say_their_size_are_read(monkeypatch, kind, row_bytes):
    monkeypatch.setattr(module, "_BYTES", 1000)
    sizes = tf.data.Dataset.from_tensor_slices(SIZES)
    rows = {
        "strings": lambda: tf.data.Dataset.from_tensor_slices([b"a" * size for size in SIZES]),
        "sizes of their own": lambda: sizes.map(lambda size: tf.zeros((size,), "uint8")),
        # Two numbers of 8 bytes say where a row begins and ends.
        "ragged": lambda: sizes.map(
            lambda size: tf.RaggedTensor.from_row_lengths(tf.zeros((size,), "uint8"), [size])
        ),
    }[kind]()
    assert shuffle_buffer(rows) == 1000 // row_bytes
    assert shuffle_buffer(rows.repeat()) == 1000 // row_bytes


def test_a_dataset_without_rows_has_a_buffer():
    assert shuffle_buffer(tf.data.Dataset.from_tensor_slices(np.array([b"a"])).take(0)) == 50_000
