"""H d: the product of a direction with the Hessian of the divergence at r = 0."""

from keras import ops

from keras_vat import autodiff, norms
from keras_vat.perturbable import Perturbable

CURVATURES = ("auto", "exact", "logit_difference", "finite_difference")


def hessian_product(forward, x, divergence, direction, method, xi):
    """The direction of H d for each example; its length is not that of H d.

    Formula, with J the Jacobian of the logits f and G the Hessian of the divergence between
    logits, diag(p) - p p^T for the Kullback-Leibler divergence of a softmax:

        "exact":              J^T G (J d)
        "logit_difference":   J^T G (f(x + xi d) - f(x)) / xi
        "finite_difference":  grad_r D[f(x), f(x + r)] at r = xi d

    All three cost one forward and one backward pass beyond the clean pass.

    Args:
        forward: A `Forward`.
        x: Structure of tensors `(batch, ...)`.
        divergence: A `Divergence`.
        direction: List of unit vectors, one tensor for each floating input.
        method: One of the three above.
        xi: Step of the differences, a number or scalar tensor.

    Returns:
        List of tensors shaped like `direction`.
    """
    clean = forward.clean(x)
    jointly = forward.rows_interact
    if method == "exact":
        tangent = clean.jvp(direction)
    else:
        moved = forward.search(Perturbable(x).shift(scaled(direction, xi)))
        tangent = moved.target - clean.target
    if method == "finite_difference":
        slope = autodiff.gradient(lambda at: divergence(clean.target, at[0]), [moved.target])[0]
        return moved.vjp(norms.rescaled(slope, jointly))
    slope = divergence.curvature(clean.target, norms.rescaled(tangent, jointly))
    return clean.vjp(norms.rescaled(slope, jointly))


def scaled(parts, factor):
    """A list of tensors times a number or a scalar tensor."""
    return [part * ops.cast(factor, part.dtype) for part in parts]
