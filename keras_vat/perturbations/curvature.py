"""H d: the product of a direction with the Hessian of the divergence at r = 0."""

from keras import ops

from keras_vat import autodiff
from keras_vat.forward import norms
from keras_vat.forward.perturbable import Perturbable

CURVATURES = ("auto", "exact", "logit_difference", "finite_difference", "at_epsilon")


def hessian_product(forward, x, divergence, direction, method, xi, target, distance):
    """The direction of H d for each example; its length is not that of H d.

    Formula, with J the Jacobian of the logits f and G the Hessian of the divergence between
    logits, diag(p) - p p^T for the Kullback-Leibler divergence of a softmax:

        "exact":              J^T G (J d)
        "logit_difference":   J^T G (f(x + xi d) - f(x)) / xi
        "finite_difference":  grad_r D[f(x), f(x + r)] at r = xi d

    With a target t other than f(x), the direction in which D[t, f(x + r)] grows from r = c d on,
    by the quadratic model of D at r = 0, with g = J^T grad_f D[t, f]:

        the first two:        g + c H d
        "finite_difference":  grad_r D[t, f(x + r)] at r = xi d

    All three cost one forward and one backward pass beyond the clean pass.

    Args:
        forward: A `Forward`.
        x: Structure of tensors `(batch, ...)`.
        divergence: A `Divergence`.
        direction: List of unit vectors, one tensor for each floating input.
        method: One of the three above. (`curvature="at_epsilon"` is the third at xi = epsilon.)
        xi: Step of the differences, a number or scalar tensor.
        target: t, the logits that D is measured from; a constant.
        distance: c, a number or scalar tensor.

    Returns:
        List of tensors shaped like `direction`.
    """
    clean = forward.clean(x)
    if method == "finite_difference":
        return gradient_beyond(forward, x, divergence, target, direction, xi)
    jointly = forward.rows_interact
    tangent = directional_derivative(forward, x, direction, method, xi)
    size = norms.largest_entry(tangent, jointly)
    slope = divergence.curvature(clean.target, tangent / size)
    beyond = slope_of(divergence, target, clean.target)
    climbed = beyond + ops.cast(distance, slope.dtype) * size * slope
    # Where the target is f(x) there is no slope at r = 0, and that of rounding would lead.
    slope = ops.where(ops.all(target == clean.target), slope, climbed)
    return clean.vjp(norms.rescaled(slope, jointly))


def directional_derivative(forward, x, direction, method, xi):
    """J d, exactly or by a difference, shaped like the logits."""
    clean = forward.clean(x)
    if method == "exact":
        return clean.jvp(direction)
    moved = forward.search(Perturbable(x).shift(scaled(direction, xi)))
    return (moved.target - clean.target) / ops.cast(xi, clean.target.dtype)


def gradient_beyond(forward, x, divergence, target, direction, xi):
    """The direction of grad_r D[target, f(x + r)] at r = xi d, a list like `direction`."""
    moved = forward.search(Perturbable(x).shift(scaled(direction, xi)))
    slope = slope_of(divergence, target, moved.target)
    return moved.vjp(norms.rescaled(slope, forward.rows_interact))


def slope_of(divergence, target, logits):
    """The gradient of D[target, logits] with respect to the logits."""
    return autodiff.gradient(lambda at: divergence(target, at[0]), [logits])[0]


def scaled(parts, factor):
    """A list of tensors times a number or a scalar tensor."""
    return [part * ops.cast(factor, part.dtype) for part in parts]
