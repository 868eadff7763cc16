"""The member of a family along which a function changes most, in closed form."""

from keras import ops


def steepest_slope(slopes):
    """The largest slope over all unit combinations of orthonormal directions.

    Formula:

        max over ||phi|| = 1 of |a^T phi| = ||a||,  at phi = a / ||a||

    Args:
        slopes: a, the slopes along the directions, `(batch, directions)`.

    Returns:
        `(value, phi)` of shapes `(batch,)` and `(batch, directions)`; both zero where a is zero.
        The gradient of the value is zero there too.

    Reference:
        "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous, 2018),
        eq. 12 and 13, appendix C.
    """
    squared = ops.sum(ops.square(slopes), axis=-1)
    value = square_root(squared)
    positive = ops.where(squared > 0, value, ops.ones_like(value))
    return value, ops.stop_gradient(slopes / positive[:, None])


def steepest_curvature(curvature):
    """The root of the largest quadratic form over all unit combinations of directions.

    Formula:

        max over ||phi|| = 1 of sqrt(phi^T S phi) = sqrt(largest eigenvalue of S)

    phi is found without a gradient; the gradient of phi^T S phi at the maximum is the maximum's.

    Args:
        curvature: S, symmetric and positive semi-definite, `(batch, directions, directions)`.

    Returns:
        `(value, phi)` of shapes `(batch,)` and `(batch, directions)`.
    """
    phi = ops.stop_gradient(_top_eigenvector(curvature))
    return square_root(ops.einsum("bi,bij,bj->b", phi, curvature, phi)), phi


def square_root(values):
    """The square root, with gradient zero where the value is zero or, by rounding, below."""
    positive = values > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, values, 1.0)), 0.0)


def _top_eigenvector(matrices):
    if matrices.shape[-1] == 1:
        return ops.ones_like(matrices[..., 0])
    if matrices.shape[-1] == 2:
        difference = matrices[:, 0, 0] - matrices[:, 1, 1]
        angle = 0.5 * ops.arctan2(2.0 * matrices[:, 0, 1], difference)
        return ops.stack([ops.cos(angle), ops.sin(angle)], axis=-1)
    return ops.eigh(matrices)[1][..., -1]
