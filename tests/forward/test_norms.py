import numpy as np
import pytest
from keras import ops

from keras_vat.forward import norms


def test_rows_of_any_size_become_unit_vectors():
    rows = np.array([[3.0, 4.0], [3e-30, 4e-30], [3e30, -4e30]], "float32")
    expected = [[0.6, 0.8], [0.6, 0.8], [0.6, -0.8]]
    np.testing.assert_allclose(norms.unit([ops.convert_to_tensor(rows)])[0], expected, rtol=1e-6)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_rows_without_direction_become_zero_or_the_fallback(bad):
    rows = ops.convert_to_tensor([[bad, bad], [0.0, 2.0]], "float32")
    np.testing.assert_array_equal(norms.unit([rows])[0], [[0, 0], [0, 1]])
    fallback = [ops.convert_to_tensor([[1.0, 0.0], [1.0, 0.0]], "float32")]
    np.testing.assert_array_equal(norms.unit([rows], fallback=fallback)[0], [[1, 0], [0, 1]])


def test_one_norm_over_parts_or_one_for_each():
    parts = [ops.full((1, 1), 3.0, "float32"), ops.full((1, 1, 1), 4.0, "float32")]
    joint = norms.unit(parts)
    np.testing.assert_allclose([joint[0][0, 0], joint[1][0, 0, 0]], [0.6, 0.8])
    apart = norms.unit(parts, joint=False)
    np.testing.assert_allclose([apart[0][0, 0], apart[1][0, 0, 0]], [1.0, 1.0])


def test_root_mean_square_is_of_the_examples_norms():
    rows = ops.convert_to_tensor([[3.0, 4.0], [0.0, 0.0]], "float32")
    np.testing.assert_allclose(norms.root_mean_square([rows]), np.sqrt(12.5))
    assert norms.root_mean_square([ops.zeros((2, 2))]) == 1.0
