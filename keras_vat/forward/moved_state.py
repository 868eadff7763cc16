"""What the passes of a step make of the classifier's state: seeds, moving averages and others."""

from keras import ops


class MovedState:
    """The state after a step, as far as its passes have moved it: by the labelled one alone.

    But for moving averages of batch statistics. By `"update"` every pass of a penalty moves them
    on. By `"auto"` all clean passes do, each row alike. And there they are faster: Keras's momentum
    of 0.99 remembers the start, and the weights of long ago, through hundreds of updates. A few
    large batches tell as much as is needed of the weights as they are.

    Formula of `"auto"`, after t updates, with b the batch statistics of n rows:

        share = max(1 - momentum, 9 / (10 + t), min(1 / 5, n / 320))
        average <- mean over all rows of average + share (b - average)

    Args:
        policy: As `batch_statistics` of `VATModel`.
        updates: t, a scalar tensor; `None`: unknown, and the share is 1 - momentum.
    """

    def __init__(self, policy, updates=None):
        self._policy = policy
        self._updates = updates if policy == "auto" else None
        self._averages, self._momenta = set(), {}
        self._moved, self._clean = {}, []

    def look_at(self, layers):
        """Says which layers keep moving averages."""
        for layer in layers:
            self._averages.update(id(variable) for variable in layer.non_trainable_variables)
            if 0 <= getattr(layer, "momentum", 1) < 1 and not getattr(layer, "renorm", False):
                for variable in (layer.moving_mean, layer.moving_variance):
                    self._momenta[id(variable)] = layer.momentum

    def after(self, scope, rows):
        """Pairs of a variable and its number after a pass of rows, from its `InnerScope`."""
        return [(v, self._hastened(v, scope, rows)) for v in scope.updated]

    def _hastened(self, variable, scope, rows):
        """What the pass made of a variable, had the layer's momentum been that of this update."""
        now = scope.get_current_value(variable)
        if self._updates is None or id(variable) not in self._momenta:
            return now
        momentum = self._momenta[id(variable)]
        kept = momentum ** scope.times[id(variable)]  # a layer may be called several times
        share = ops.maximum(1.0 - momentum, 9.0 / (10.0 + ops.cast(self._updates, "float32")))
        share = ops.maximum(share, ops.minimum(0.2, ops.cast(rows, "float32") / 320.0))
        share = ops.cast(share / (1.0 - kept), now.dtype)
        return variable.value + share * (now - variable.value)

    def take(self, rows, moved, labelled=False, perturbed=False):
        """Takes in a pass, as far as the policy lets it move anything.

        Args:
            rows: Number of its rows.
            moved: Pairs of a variable and its number after the pass.
            labelled: Whether it is the labelled pass.
            perturbed: Whether its inputs are others than the rows themselves.
        """
        averages = [(v, now) for v, now in moved if id(v) in self._averages]
        if labelled:
            self._moved.update({id(v): (v, now) for v, now in moved if id(v) not in self._averages})
        if self._policy == "auto":
            self._clean += [] if perturbed else [(rows, averages)]
        elif labelled or self._policy == "update":
            self._moved.update({id(v): (v, now) for v, now in averages})

    @property
    def newest_averages(self):
        """Pairs of an average and its number, from which the next pass goes on."""
        return [pair for key, pair in self._moved.items() if key in self._averages]

    @property
    def averages_are_shared(self):
        """Whether further clean rows can move an average: those of frozen layers stand still."""
        return any(averages for _, averages in self._clean)

    @property
    def moved(self):
        """Pairs of a variable and its number after the step."""
        found = {}
        for rows, averages in self._clean:
            for variable, now in averages:
                found.setdefault(id(variable), (variable, []))[1].append((rows, now))
        shared = [(variable, _mean(variable.value, parts)) for variable, parts in found.values()]
        return [*self._moved.values(), *shared]


def _mean(before, parts):
    """The mean over all rows; a pass without rows, whose statistics are NaN, doesn't count."""
    if len(parts) == 1:
        return parts[0][1]
    total, mean = ops.cast(sum(rows for rows, _ in parts), before.dtype), before
    for rows, now in parts:
        step = ops.cast(rows, before.dtype) / ops.maximum(total, 1) * (now - before)
        mean = mean + ops.where(rows > 0, step, ops.zeros_like(step))
    return mean
