"""Gradient noise: how much a penalty's gradient differs from mini-batch to mini-batch."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vat import arguments, autodiff
from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.evaluation.batches import draws, endless_batches
from keras_vat.forward import Forward
from keras_vat.forward.compiled_run import CompiledRun
from keras_vat.regularizers import Regularizer, VirtualAdversarialTraining


def gradient_noise(
    model: keras.Model,
    dataset: Any,
    epsilon: float | None = None,
    num_power_iterations: int | Sequence[int] = (0, 1),
    regularizers: dict[Any, Any] | None = None,
    num_samples: int = 100,
    batch_size: int = 100,
    unbiased: bool = False,
    seed: int | None = 0,
    y: Any = None,
) -> dict[Any, float]:
    """The normalised standard-deviation norm of the stochastic gradient of a penalty.

    0: every mini-batch and perturbation gives the same gradient; 1: the noise of one of them is
    as large as the gradient itself. One sample is the gradient that one mini-batch D_M gives with
    one draw of its perturbations r_K. All penalties see the same mini-batches and start from the
    same random directions. Passes are those of training, but no state moves, and dropout masks are
    the same in all samples: eq. 21 is about mini-batches and perturbations. Samples are taken in
    one after the other (Welford): besides the gradient, each penalty keeps one float64 copy of the
    weights, however many samples there are.

    Formula, with g_1 ... g_n the gradients of the penalty with respect to all weights:

        mean  = 1/n sum_i g_i
        noise = sqrt(1/(n - 1) sum_i ||g_i - mean||^2) / ||mean||_2

    The factor of the penalty (alpha) cancels out. On average ||mean||^2 has 1/n of the variance in
    it, which keeps this noise below about sqrt(n): take n well above the square of what you find,
    or `unbiased`.

    Args:
        model: A built Keras model or a `VATModel`, whose policies then hold; its own regularizers
            play no part.
        dataset: Inputs, `(n, ...)`, or a structure of them: mini-batches are drawn at random from
            all rows. Or a dataset of batches, of `x` or `(x, y)`, begun anew when it ends: let it
            shuffle.
        epsilon: L2 norm of the perturbations, in the units of the inputs.
        num_power_iterations: Values of K. Defaults to `(0, 1)`: RPT and VAT.
        regularizers: Dictionary of name to `Regularizer` to be measured instead of these (pass
            no `epsilon`). Give them a seed for numbers that can be had again.
        num_samples: n, at least 2. Defaults to `100`.
        batch_size: M, rows of a mini-batch; of a dataset, its own. Defaults to `100`.
        unbiased: Whether to take that 1/n of the variance out of ||mean||^2: right on average from
            few samples, but scattered more; infinite where nothing is left. Defaults to `False`.
        seed: Integer: of the mini-batches and the random directions. Defaults to `0`.
        y: Labels of arrays, for regularizers that need them. Defaults to `None`.

    Returns:
        Dictionary of K, or of the regularizers' names, to the noise, a float. Infinite where the
        mean gradient is zero.

    Raises:
        TypeError: If `model` is no Keras model, or `regularizers` not a dictionary of
            regularizers.
        ValueError: If neither `epsilon` nor `regularizers` is given, or both; if the model has no
            weights to train; if labels are missing, or their number is another.

    Example:

    >>> noise = keras_vat.evaluation.gradient_noise(model, x_train, epsilon=2.0)
    >>> noise[0], noise[1]   # RPT, VAT
    >>> keras_vat.plotting.plot_gradient_noise(noise)

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), section 4.5, eq. 21 and
        figure 7.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` must be a built Keras model or a VATModel. "
            f"Received: model={model!r} (of type {type(model).__name__})"
        )
    arguments.whole_number("num_samples", num_samples, 2)
    arguments.whole_number("batch_size", batch_size, 1)
    arguments.boolean("unbiased", unbiased)
    penalties = _penalties(epsilon, num_power_iterations, regularizers, arguments.seed(seed))
    if not model.trainable_weights:
        raise ValueError(
            "`model` must have weights to train: build it first (call it on a batch), and freeze "
            f"not all of it. Received: model={model.name!r} with {len(model.weights)} weights, "
            "none of them trainable"
        )
    moments = {name: _Moments() for name in penalties}
    runs = {name: CompiledRun(_gradient, model, penalty) for name, penalty in penalties.items()}
    stream = endless_batches(dataset, draws(batch_size, seed), y)
    for _, (inputs, labels) in zip(range(num_samples), stream, strict=False):
        for name, run in runs.items():
            penalties[name].check_labels(labels)
            penalties[name].check_inputs(inputs)
            gradient = [ops.convert_to_numpy(part) for part in run(inputs, labels)]
            moments[name].add([part.astype("float64") for part in gradient])
    return {name: taken.noise(unbiased) for name, taken in moments.items()}


class _Moments:
    """Mean and summed squared deviations of vectors that come one at a time (Welford)."""

    def __init__(self):
        self._count, self._mean, self._squared = 0, None, 0.0

    def add(self, vector):
        """Takes in one vector, a list of float64 arrays."""
        if self._mean is None:
            self._mean = [np.zeros_like(part) for part in vector]
        self._count += 1
        for mean, part in zip(self._mean, vector, strict=True):
            before = part - mean
            mean += before / self._count
            part -= mean
            self._squared += np.vdot(before, part)

    def noise(self, unbiased=False):
        """The root of the summed variances over the length of the mean."""
        variance = self._squared / (self._count - 1)
        squared_length = sum(np.vdot(part, part) for part in self._mean)
        if unbiased:
            squared_length -= variance / self._count
        return float(np.sqrt(variance / squared_length)) if squared_length > 0 else float("inf")


def _gradient(model, regularizer, x, y):
    """The gradient of the penalty in training, a list of tensors."""
    weights = model.trainable_weights

    def penalty(values):
        with InnerScope(list(zip(weights, values, strict=True)), passes_updates=True):
            forward = Forward.of(model, training=True)
            return regularizer.penalty(forward, x, y), None

    linear = autodiff.Linearization(penalty, [ops.copy(weight.value) for weight in weights])
    return linear.vjp(ops.ones_like(linear.value))


def _penalties(epsilon, num_power_iterations, regularizers, seed):
    if (epsilon is None) == (regularizers is None):
        raise ValueError(
            "Either `epsilon` or `regularizers` must be given, not both. "
            f"Received: epsilon={epsilon}, regularizers={regularizers!r}"
        )
    if regularizers is None:
        counts = np.atleast_1d(num_power_iterations).tolist()
        return {k: VirtualAdversarialTraining(epsilon, k, seed=seed) for k in counts}
    if (
        not isinstance(regularizers, dict)
        or not regularizers
        or not all(isinstance(regularizer, Regularizer) for regularizer in regularizers.values())
    ):
        raise TypeError(
            "`regularizers` must be a dictionary of name to Regularizer, one at least. "
            f"Received: regularizers={regularizers!r}"
        )
    return regularizers
