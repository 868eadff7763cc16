"""The invertible 1x1 convolution, by its LU decomposition."""

import keras
import numpy as np
from keras import ops


class InvertibleConvolution(keras.layers.Layer):
    """The channel-mixing matrices of all steps of a level.

    Formula, for each step, on row vectors of channels:

        y = x W,   W = P L (U + diag(sign exp(log_abs_diagonal)))
        log|det W| = sum(log_abs_diagonal)

    L is lower triangular with ones on the diagonal, U strictly upper triangular. The permutation P
    and the signs stay as they are drawn, so W stays invertible whatever the weights become. W
    begins as a random rotation.

    Args:
        num_steps: Number of steps.
        channels: Number of channels.
        rng: NumPy generator that the rotations are drawn from.
        **kwargs: `name` and `dtype` of the layer.

    Reference:
        Kingma and Dhariwal, "Glow" (arXiv:1807.03039), section 3.2, eq. 10 and 11.
    """

    def __init__(self, num_steps, channels, rng, **kwargs):
        super().__init__(autocast=False, **kwargs)
        rotations = np.linalg.qr(rng.normal(size=(num_steps, channels, channels)))[0]
        permutation, lower, upper = map(
            np.stack, zip(*[plu(rotation) for rotation in rotations], strict=True)
        )
        diagonal = np.diagonal(upper, axis1=1, axis2=2)
        self.permutation = self._weight("permutation", permutation, trainable=False)
        self.sign = self._weight("sign", np.sign(diagonal), trainable=False)
        self.lower = self._weight("lower", np.tril(lower, -1))
        self.upper = self._weight("upper", np.triu(upper, 1))
        self.log_abs_diagonal = self._weight("log_abs_diagonal", np.log(np.abs(diagonal)))
        self.built = True

    def matrices(self, dtype):
        """W of all steps, `(num_steps, channels, channels)`, computed in a dtype."""
        permutation, sign, lower, upper, log_abs_diagonal = (
            ops.cast(weight, dtype)
            for weight in (
                self.permutation,
                self.sign,
                self.lower,
                self.upper,
                self.log_abs_diagonal,
            )
        )
        identity = ops.eye(lower.shape[-1], dtype=dtype)
        diagonal = (sign * ops.exp(log_abs_diagonal))[:, None, :] * identity
        lower = ops.tril(lower, -1) + identity
        return ops.matmul(permutation, ops.matmul(lower, ops.triu(upper, 1) + diagonal))

    def _weight(self, name, value, trainable=True):
        return self.add_weight(
            name=name,
            shape=value.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(value, dtype=dtype),
            trainable=trainable,
            autocast=False,
        )


def plu(matrix):
    """P, L, U with `matrix = P L U`, by elimination with partial pivoting.

    Args:
        matrix: NumPy array `(n, n)`, not singular.
    """
    n = len(matrix)
    order, lower, upper = np.arange(n), np.eye(n), matrix.copy()
    for column in range(n):
        pivot = column + np.argmax(np.abs(upper[column:, column]))
        order[[column, pivot]] = order[[pivot, column]]
        upper[[column, pivot]] = upper[[pivot, column]]
        lower[[column, pivot], :column] = lower[[pivot, column], :column]
        factors = upper[column + 1 :, column] / upper[column, column]
        lower[column + 1 :, column] = factors
        upper[column + 1 :] -= np.outer(factors, upper[column])
    return np.eye(n)[:, order], lower, np.triu(upper)
