"""Fast adversarial training with bad samples (Kim et al., 2019)."""

from typing import Any

import keras
from keras import ops

from keras_vat import arguments
from keras_vat.forward import Forward
from keras_vat.forward.perturbable import Perturbable, as_tensors
from keras_vat.perturbations.extra_class_perturbation import ExtraClassPerturbation
from keras_vat.regularizers.perturbation_regularizer import PerturbationRegularizer
from keras_vat.regularizers.registry import register


@register("fat", package="keras_vat")
class FastAdversarialTraining(PerturbationRegularizer):
    """Fast adversarial training: VAT, and bad samples that push the boundary out of the data.

    The adversarial direction leads from an example towards the decision boundary. A bad sample lies
    a distance `radius` along it; where the classifier is unsure of it, it lies between the classes,
    and the classifier learns that it belongs to none of them: to an extra class whose logit is
    fixed at 0.

    Formula, with g the K logits, p = softmax(g) as at inference, s = log(1 + sum_k exp g_k) and
    q_k = exp(g_k - s), the first K of K + 1 probabilities:

        v = the gradient of the largest logit, normalised   (curvature = "largest_logit")
            d after power iterations from a random d, as in virtual adversarial training
                                                            (any other, as in the paper)
        r = the one of +epsilon v, -epsilon v with the larger D[p(y|x), p(y|x + r)]
        x_bad = x + radius r / ||r||_2,  kept if max_k p(k | x_bad) <= 1 - threshold
        L_true(x) = -sum_k q_k (g_k - s)
        L_fake(x_bad) = s
        penalty = mean D[p(y|x), p(y|x + r)]
                  + bad_sample_weight (mean L_true(x) + mean over kept x_bad of L_fake(x_bad))

    Means are over examples and, where these have several positions, over those that count.

    The direction is this package's own by default: `"auto"` is `"largest_logit"` in training with
    three classes or more. Why: the classifier that is trained has K + 1 classes. Where it is sure
    of an example, the runner-up soon is the extra class, as the penalty lowers all other logits,
    and then the Hessian of the divergence between its K + 1 probabilities is that logit's gradient
    times itself. Among the K classes alone the direction leads to the next one, however far off.
    On MNIST with 100 labels the error is several times smaller so; on two moons, where the next
    class is the only other one, it is not (see benchmarks/README.md).

    r is found once and serves both terms; the clean pass is shared. Which share of the bad samples
    was kept is in the logs, as `fat_kept`. Move `bad_sample_weight` by `callbacks.LambdaWarmup`:
    before the classifier is reasonable, bad samples are not between the classes.

    With batch normalisation and a direction found among the K classes, the statistics of unlabelled
    batches can drift away from those of labelled ones (on MNIST they did). Then moving averages of
    the labelled rows alone predict better: compare `VATModel(..., batch_statistics="batch")`.

    Args:
        epsilon: L2 norm of r for each example, in the units of the inputs.
        radius: Distance of the bad samples from their examples, in the same units; the paper's C.
            On MNIST the paper has epsilon 1.5 and radius 2.0.
        threshold: How unsure the classifier must be of a bad sample that is kept, from 0 (all are)
            to below 1 - 1 / K, where none is; the paper's alpha.
        bad_sample_weight: The paper's lambda.
        num_power_iterations: An integer of at least 0 (0: v is random). `"largest_logit"` takes
            none, and any number but the default is refused beside it.
        sign_search: Whether the better of +r and -r is taken, for two more forward passes.
        curvature: `"largest_logit"`: v is the gradient of the largest logit, which takes no forward
            pass and no noise, in training and at inference, for any number of classes. `"auto"`
            (default) is `"largest_logit"` in training with three classes or more, unless a `xi` or
            another number of power iterations asks for the power iteration; elsewhere it is that of
            `VirtualAdversarialTraining`. Any other: as there. `"finite_difference"` with `xi=1e-6`
            is the paper's.
        xi: As in `VirtualAdversarialTraining`.
        weight: Factor of the whole penalty.
        name: Name in the logs.
        seed: Integer or `None`.
        mask: Where inputs may move, as in `perturbations.Perturbation`.
        clip: `(low, high)`: perturbed inputs and bad samples stay in this range.
        perturb_at: Where r is added: `None`, at the inputs; or the name or path of a layer, the
            layer, or a list of these, as in `perturbations.Perturbation`.
        scale: The unit of each coordinate, as in `perturbations.Perturbation`: `x.std(0)` makes
            epsilon a number of standard deviations. `None`: 1.

    Raises:
        ValueError: for a classifier that is no softmax over logits, for one whose logits are known
            up to a constant only, for a threshold that no bad sample can meet, and for power
            iterations or a `xi` that `curvature="largest_logit"` does not take.

    Example:

    >>> model = keras_vat.VATModel(classifier, keras_vat.regularizers.FastAdversarialTraining(
    ...     epsilon=1.5, radius=2.0))
    >>> model.fit(batches, epochs=30, callbacks=[keras_vat.callbacks.LambdaWarmup()])

    Reference:
        Kim et al., "Understanding and Improving Virtual Adversarial Training" (arXiv:1909.06737),
        section 4: eq. 8, and the modified direction of section 4.2.
    """

    def __init__(
        self,
        epsilon: float,
        radius: float,
        threshold: float = 0.01,
        bad_sample_weight: float = 1.0,
        num_power_iterations: int = 1,
        sign_search: bool = True,
        curvature: str = "auto",
        xi: float | None = None,
        weight: float = 1.0,
        name: str | None = None,
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        perturb_at: Any = None,
        scale: Any = None,
    ):
        perturbation = ExtraClassPerturbation(
            epsilon,
            num_power_iterations,
            curvature,
            xi,
            sign_search,
            seed=seed,
            mask=mask,
            clip=clip,
            perturb_at=perturb_at,
            scale=scale,
        )
        super().__init__(perturbation, weight=weight, name=name, seed=seed)
        self._config = {
            **self._config,
            "radius": arguments.positive("radius", radius),
            "threshold": arguments.fraction("threshold", threshold),
            "bad_sample_weight": arguments.non_negative("bad_sample_weight", bad_sample_weight),
        }
        self._radius = self._number("radius")
        self._threshold = self._number("threshold")
        self._bad_sample_weight = self._number("bad_sample_weight")
        self._kept = keras.metrics.Mean(name=f"{self.name}_kept")

    @property
    def radius(self) -> Any:
        """Distance of the bad samples, a variable."""
        return self._radius

    @radius.setter
    def radius(self, value):
        self._radius.assign(arguments.non_negative("radius", value))

    @property
    def threshold(self) -> Any:
        """How unsure the classifier must be of a bad sample, a variable."""
        return self._threshold

    @threshold.setter
    def threshold(self, value):
        self._threshold.assign(arguments.fraction("threshold", value))

    @property
    def bad_sample_weight(self) -> Any:
        """Factor of L_true and L_fake, a variable."""
        return self._bad_sample_weight

    @bad_sample_weight.setter
    def bad_sample_weight(self, value):
        self._bad_sample_weight.assign(arguments.non_negative("bad_sample_weight", value))

    def per_example(self, forward, x, y):
        forward, x = self.perturbation.enter(forward, x)
        self._check(forward, x)
        clean, r = forward.clean(x), self.perturbation.find(forward, x)
        bad = forward.logits(Perturbable(x).shift(self._step(x, r)))
        kept = ops.cast(self._is_kept(bad), bad.dtype)
        share = forward.mean_over_rows(x, clean.distribution.mean_per_example(kept))
        self.note(forward, self._kept, share)
        true = true_loss(clean.logits)
        # The mean of this is that over the kept ones.
        fake = kept / ops.where(share > 0, share, 1) * fake_loss(bad)
        factor = ops.cast(self._bad_sample_weight, bad.dtype)
        bad_samples_term = clean.distribution.mean_per_example(true + fake)
        return self.divergence_at(forward, x, r) + factor * bad_samples_term

    def bad_samples(self, classifier: Any, x: Any, training: bool = False) -> Any:
        """The bad samples of a batch.

        Args:
            classifier, x: As in `penalty`.
            training: `True`: those that train, found as in a training step. Defaults to `False`:
                those at inference, along the direction that is taken there, which by curvature
                "auto" is another.

        Returns:
            `(x_bad, kept)`: inputs shaped like `x` (with `perturb_at` a list of what the places are
            to return), and of which of them the classifier is unsure
            enough, a boolean tensor `(batch,)` (or one entry for each position of an example).
        """
        forward, x = self.perturbation.enter(Forward.of(classifier, training), as_tensors(x))
        self._check(forward, x)
        moved = Perturbable(x).shift(self._step(x, self.perturbation.find(forward, x)))
        return moved, self._is_kept(forward.logits(moved))

    def get_config(self):
        config = super().get_config()
        for unused in ("divergence", "joint_norm"):
            config.pop(unused)
        return config

    def _step(self, x, r):
        """From the examples to their bad samples."""
        return self.perturbation.lengthened(x, r, self._radius)

    def _is_kept(self, logits):
        largest = ops.max(ops.softmax(ops.stop_gradient(logits), axis=-1), axis=-1)
        return largest <= 1.0 - ops.cast(self._threshold, largest.dtype)

    def _check(self, forward, x):
        clean = forward.clean(x)
        if clean.distribution.name != "categorical":
            raise ValueError(
                "`FastAdversarialTraining` needs a classifier with a softmax over the classes; "
                "give a binary one two logits. "
                f"Received: output='{clean.distribution.name}'"
            )
        if not clean.has_exact_logits:
            raise ValueError(
                "`FastAdversarialTraining` compares the logits with that of an extra class, and "
                "probabilities determine them up to a constant only. Remove the activation, so "
                "that the classifier returns logits, or end it in keras.layers.Softmax or a layer "
                "with activation='softmax', and leave `from_logits` out. "
                "Received: a classifier of probabilities"
            )
        num_classes = clean.logits.shape[-1]
        if self._config["threshold"] >= 1.0 - 1.0 / num_classes:
            raise ValueError(
                f"`threshold` must be below 1 - 1 / {num_classes} for {num_classes} classes: the "
                "largest of their probabilities is never smaller than their mean, so that no bad "
                f"sample would be kept. Received: threshold={self._config['threshold']}"
            )

    def _number(self, name):
        return self.add_weight(
            name=name,
            shape=(),
            initializer=keras.initializers.Constant(self._config[name]),
            trainable=False,
        )


def true_loss(logits):
    """L_true: minus sum_k q_k log q_k over the K true classes of K + 1; `(batch, ...)`."""
    log_q = logits - log_partition(logits)[..., None]
    return -ops.sum(ops.exp(log_q) * log_q, axis=-1)


def fake_loss(logits):
    """L_fake: minus the logarithm of the extra class's probability; `(batch, ...)`."""
    return log_partition(logits)


def log_partition(logits):
    """log(1 + sum_k exp g_k)."""
    return ops.softplus(ops.logsumexp(logits, axis=-1))
