import keras
import numpy as np
import pytest

from keras_vat.data.first_rows import first_rows

X = np.arange(100.0).reshape(100, 1)


@pytest.mark.parametrize("x", [X, keras.ops.convert_to_tensor(X)])
def test_rows_are_spread_over_an_array(x):
    np.testing.assert_array_equal(first_rows(x, 4)[:, 0], [0, 33, 66, 99])
    assert first_rows(x).shape == (32, 1)
    assert first_rows(x, 1000).shape == (100, 1)


def test_first_batch_of_a_dataset(batched):
    np.testing.assert_array_equal(first_rows(batched(X, 5)), X[:5])
    np.testing.assert_array_equal(first_rows(batched((X, X), 5)), X[:5])
    assert first_rows(batched(X[:0], 5)) is None


def test_what_can_be_read_only_once_is_left_alone():
    batches = iter([X])
    assert first_rows(batches) is None
    assert next(batches) is X
