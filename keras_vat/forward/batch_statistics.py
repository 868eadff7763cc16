"""Which statistics normalisation layers use in the passes of the penalties, and keep."""

from keras import ops

from keras_vat.keras_internals import sublayers

BATCH_STATISTICS = ("auto", "batch", "moving", "update")


def normalization_layers(classifier):
    """The layers that keep moving averages of batch statistics."""
    return [
        layer
        for layer in sublayers(classifier)
        if hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance")
    ]


class MovingAverages:
    """What the clean passes of one step make of the moving averages: every row counts once.

    Keras's own averages have the momentum 0.99: they remember their start, and weights of long
    ago, through hundreds of updates. Here the share of the newest step is larger at first.

    Formula, after t updates, with b the mean of the passes' batch statistics over the rows:

        share = max(1 - momentum, 9 / (10 + t))
        average <- average + share (b - average)

    Args:
        layers: The layers that keep them.
        updates: Number of updates of the weights so far, a scalar tensor; `None`: unknown, and the
            share is 1 - momentum.
    """

    def __init__(self, layers, updates=None):
        self._updates = None if updates is None else ops.cast(updates, "float32")
        self._momenta = {
            id(variable): layer.momentum
            for layer in layers
            if 0 <= getattr(layer, "momentum", 1) < 1 and not getattr(layer, "renorm", False)
            for variable in (layer.moving_mean, layer.moving_variance)
        }
        self._passes = []

    def hastened(self, variable, now, times):
        """What a pass makes of a variable, had the layer's momentum been that of this update.

        Args:
            variable: Any variable of the classifier.
            now: What it is after the pass.
            times: How often the pass moved it: a layer may be called several times.
        """
        if self._updates is None or id(variable) not in self._momenta:
            return now
        kept = self._momenta[id(variable)] ** times
        share = ops.maximum(1.0 - self._momenta[id(variable)], 9.0 / (10.0 + self._updates))
        share = ops.cast(share / (1.0 - kept), now.dtype)
        return variable.value + share * (now - variable.value)

    def feed(self, rows, moved):
        """Takes in a pass: the number of its rows, and pairs of an average and its number."""
        self._passes.append((rows, moved))

    @property
    def are_fed(self):
        """Whether a pass moved any: those of frozen layers stand still."""
        return any(moved for _, moved in self._passes)

    @property
    def moved(self):
        """Pairs of an average and its number after the step."""
        if len(self._passes) == 1:
            return self._passes[0][1]
        found = {}
        for rows, moved in self._passes:
            for variable, now in moved:
                found.setdefault(id(variable), (variable, []))[1].append((rows, now))
        return [(variable, _mean(variable.value, parts)) for variable, parts in found.values()]


def _mean(before, parts):
    """The mean over all rows; a pass without rows, whose statistics are NaN, doesn't count."""
    total, mean = ops.cast(sum(rows for rows, _ in parts), before.dtype), before
    for rows, now in parts:
        step = ops.cast(rows, before.dtype) / ops.maximum(total, 1) * (now - before)
        mean = mean + ops.where(rows > 0, step, ops.zeros_like(step))
    return mean
