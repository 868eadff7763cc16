"""A divergence between two outputs, with its curvature where they are equal."""

from keras import ops

from keras_vat import autodiff

NAMES = ("kl", "reverse_kl", "squared_error")


class Divergence:
    """D[clean, perturbed] from logits, with the product with its Hessian at equality.

    Formula:

        curvature(a, u) = G u,  G = d^2 D[a, b] / db^2 at b = a

    For the Kullback-Leibler divergences G is the Fisher information, in closed form; for any
    other function it is found by differentiating that function twice, in logit space only.

    Args:
        function: Callable `(clean_logits, perturbed_logits) -> (batch,)`.
        curvature: Callable `(clean_logits, tangent) -> G tangent`, or `None`: differentiated.

    Raises:
        ValueError: in a call, if the function returns another shape.
    """

    def __init__(self, function, curvature=None):
        self._function = function
        self._curvature = curvature

    def __call__(self, clean_logits, perturbed_logits):
        values = self._function(clean_logits, perturbed_logits)
        if len(values.shape) != 1:
            raise ValueError(
                "`divergence` must return one number for each row, shape `(batch,)`. "
                f"Received: shape {tuple(values.shape)}"
            )
        return values

    def curvature(self, clean_logits, tangent):
        """`G tangent`, shaped like the logits."""
        if self._curvature is not None:
            return self._curvature(clean_logits, tangent)

        def slope_along_tangent(logits):
            def divergence(parts):
                return ops.sum(self._function(clean_logits, parts[0]))

            return ops.sum(autodiff.gradient(divergence, logits)[0] * tangent)

        return autodiff.gradient(slope_along_tangent, [clean_logits + 0.0])[0]


def get(identifier, distribution):
    """The divergence that a name, a callable or `None` stands for.

    Args:
        identifier: `None` or `"kl"`: KL(clean || perturbed) of the output distribution;
            `"reverse_kl"`: KL(perturbed || clean); `"squared_error"`: squared distance of the
            probabilities (of the means for regression), summed over the classes of a softmax,
            a mean over several labels, numbers or positions; or a callable on
            `(clean_logits, perturbed_logits)` that returns shape `(batch,)`.
        distribution: The model's `OutputDistribution`.

    Returns:
        A `Divergence`.

    Raises:
        ValueError: for another name.
    """
    check(identifier)
    if callable(identifier):
        return Divergence(identifier)
    if identifier in (None, "kl"):
        return Divergence(distribution.kl, distribution.fisher_product)
    if identifier == "reverse_kl":
        return Divergence(
            lambda clean, perturbed: distribution.kl(perturbed, clean),
            distribution.fisher_product,
        )
    return Divergence(
        lambda clean, perturbed: distribution.per_example(
            ops.square(distribution.mean(clean) - distribution.mean(perturbed))
        )
    )


def check(identifier):
    """Raises unless `get` understands the identifier."""
    if identifier is None or callable(identifier) or identifier in NAMES:
        return
    raise ValueError(
        f"`divergence` must be None, one of {NAMES}, or a callable on (clean_logits, "
        f"perturbed_logits). Received: divergence={identifier!r}"
    )
