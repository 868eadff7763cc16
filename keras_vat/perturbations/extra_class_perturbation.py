"""r of a classifier that also has an extra class, of which bad samples are."""

from keras import ops

from keras_vat.perturbations.curvature import CURVATURES
from keras_vat.perturbations.virtual_adversarial_perturbation import (
    VirtualAdversarialPerturbation,
)


class ExtraClassPerturbation(VirtualAdversarialPerturbation):
    """The virtual adversarial perturbation, with one more way to its direction.

    Formula, with g the logits:

        curvature = "largest_logit":  r = epsilon v / ||v||_2,  v the gradient of max_k g_k

    `curvature="auto"` takes it in training with three classes or more, unless there is a `xi` or
    another number of power iterations than one. See `FastAdversarialTraining` for why.
    """

    curvatures = (*CURVATURES, "largest_logit")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        iterations = self._config["num_power_iterations"]
        if self._config["curvature"] == "largest_logit" and iterations != 1:
            raise ValueError(
                "`num_power_iterations` must be left out where `curvature` is 'largest_logit', "
                "which is a gradient and takes none; they are those of 'exact', "
                "'finite_difference' and the other curvatures. "
                f"Received: num_power_iterations={iterations}"
            )

    def direction(self, forward, x, y=None):
        if not self._is_towards_extra_class(forward, x):
            return super().direction(forward, x, y)
        clean = forward.clean(x)
        largest = ops.argmax(clean.logits, axis=-1)
        chosen = ops.one_hot(largest, clean.logits.shape[-1], dtype=clean.logits.dtype)
        slope = clean.vjp(clean.distribution.counted(chosen))
        return self.ascent(forward, x, slope, fallback=self.random_direction(forward, x))

    def _is_towards_extra_class(self, forward, x):
        config = self._config
        if config["curvature"] != "auto":
            return config["curvature"] == "largest_logit"
        unasked = config["xi"] is None and config["num_power_iterations"] == 1
        return forward.training and unasked and forward.clean(x).logits.shape[-1] > 2
