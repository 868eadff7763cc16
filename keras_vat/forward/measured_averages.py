"""Moving averages measured anew: means of batch statistics with the weights as they are."""

import keras
import numpy as np

from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.forward.batch_statistics import normalization_layers
from keras_vat.forward.compiled_run import CompiledRun
from keras_vat.forward.has_forward import HasForward


def layers_with_averages(model):
    """The normalisation layers of a classifier, or of what wraps one, whose averages are measured.

    Keras's own, whose passes are known to take 1 - momentum of the batch, and with what else they
    compute (`renorm`).
    """
    return [
        layer
        for layer in normalization_layers(classifier_of(model))
        if isinstance(layer, keras.layers.BatchNormalization)
        and 0 <= layer.momentum < 1
        and not getattr(layer, "renorm", False)
    ]


def classifier_of(model):
    """A classifier, or that in what wraps one."""
    return model.classifier if isinstance(model, HasForward) else model


class MeasuredAverages:
    """The mean of batch statistics over passes as in training; nothing moves before `assign`.

    A frozen layer (`trainable=False`) sees no update and keeps its averages.

    Formula, over the passes B_1 ... B_n of weights w_1 ... w_n:

        moving_mean     = sum_i w_i mean(B_i) / sum_i w_i
        moving_variance = sum_i w_i var(B_i) / sum_i w_i

    Args:
        model: The classifier, or what wraps it.
    """

    def __init__(self, model):
        self._variables = _statistics(layers_with_averages(model))
        # What is not asked for (dropout seeds) goes on to the next batch, so that each has its own
        # masks, and is forgotten in the end.
        self._run = CompiledRun(_batch_statistics, model)
        self._sums, self._weights = {}, {}

    def add(self, x, weight=1.0):
        """Takes in a batch of inputs."""
        for place, value in self._run(x).items():  # of layers that this batch came through
            value = weight * keras.ops.convert_to_numpy(value).astype("float64")
            self._sums[place] = self._sums.get(place, 0.0) + value
            self._weights[place] = self._weights.get(place, 0.0) + weight

    @property
    def broken(self):
        """Paths of the averages that are not finite."""
        sums = self._sums.items()
        return [self._variables[place].path for place, v in sums if not np.all(np.isfinite(v))]

    def assign(self):
        """Puts the averages in the place of those that the layers have."""
        for place, total in self._sums.items():
            self._variables[place].assign(total / self._weights[place])


def _statistics(layers):
    return [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]


def _batch_statistics(model, x):
    """The statistics of a batch, by their place among those of all layers.

    The mean over its calls, where a layer is shared.
    """
    layers = layers_with_averages(model)
    statistics = _statistics(layers)
    # What a pass makes of an average that is 0 is 1 - momentum times the batch statistic.
    shares = [1.0 - layer.momentum for layer in layers for _ in range(2)]
    with _UpdateRecorder(statistics) as scope:
        classifier_of(model)(x, training=True)
    found = {}
    for place, (variable, share) in enumerate(zip(statistics, shares, strict=True)):
        values = [value for updated, value in scope.updates if updated is variable]
        if values:
            found[place] = sum(values) / (share * len(values))
    return found


class _UpdateRecorder(InnerScope):
    """A scope that keeps every update of averages, which are 0 for each of them.

    A shared layer makes several. All other updates go on to the scope around it.
    """

    def __init__(self, averages):
        zeros = [(v, keras.ops.zeros(v.shape, v.dtype)) for v in averages]
        super().__init__(zeros, passes_updates=True)
        self._averages = {id(variable) for variable in averages}
        self.updates = []

    def add_update(self, update):
        if id(update[0]) in self._averages:
            self.updates.append(update)
        else:
            super().add_update(update)
