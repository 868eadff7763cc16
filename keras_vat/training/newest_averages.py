"""Moving averages that are those of the weights as they are, wherever `fit` shows them."""

import math
from collections import deque

import keras
from keras import ops, tree

from keras_vat.as_in_keras import as_in_keras
from keras_vat.autodiff import num_replicas
from keras_vat.forward.measured_averages import MeasuredAverages, layers_with_averages
from keras_vat.forward.perturbable import as_tensors, is_sparse
from keras_vat.keras_model import KerasModel
from keras_vat.training.more_callbacks import between
from keras_vat.training.split_inputs import split_inputs

_INPUTS = "inputs of the step"
_ROWS, _FEW_ROWS = 1024, 256
_BYTES = 2**28


class NewestAverages:
    """Mix-in of `VATModel`: by `batch_statistics="auto"`, `fit` measures averages anew.

    No average of past steps follows a deep net through its first hundreds of updates. So the last
    batches of a `fit`, up to 1,024 rows and 256 MB, are kept as the device holds them. Before each
    validation, at the end of each epoch and of training they are passed through the classifier as
    in training, labelled and unlabelled ones apart, and the averages become those of all rows. Half
    as many as there were steps since the last measurement, at most, so that it never costs much; at
    the end of training all that are kept.

    Where these are less than 256 rows, nothing is measured, and averages are those of past steps;
    so they are where several replicas share a batch, and of inputs that are not dense.
    """

    _newest_batches = None

    @as_in_keras(KerasModel.fit)
    def fit(self, **kwargs):
        if self._config["batch_statistics"] != "auto":
            return super().fit(**kwargs)
        around, self._newest_batches = self._newest_batches, _NewestBatches()
        first, last = _AtTheEnd(self._newest_batches), _BeforeValidation(self._newest_batches)
        try:
            with between(first, kwargs.get("callbacks"), last) as callbacks:
                return super().fit(**{**kwargs, "callbacks": callbacks})
        finally:
            self._newest_batches = around  # of a `fit` in one of whose callbacks this one ran

    def _inputs(self, x):
        """An entry for the logs of a step, for `_take_inputs`."""
        if self._config["batch_statistics"] != "auto" or num_replicas() > 1:
            return {}
        parts = split_inputs(as_tensors(x, dense=False))
        batches = tuple(batch for batch in parts if batch is not None)  # TensorFlow knows no lists
        if not all(_is_dense(leaf) for leaf in tree.flatten(batches)):
            return {}
        trainable = any(layer.trainable for layer in layers_with_averages(self))
        return {_INPUTS: batches} if trainable else {}

    def _take_inputs(self, logs):
        """Takes the inputs out of a step's logs, to be looked at when averages are wanted."""
        batches = logs.pop(_INPUTS, None)
        if batches is not None and self._newest_batches is not None:
            self._newest_batches.add(batches, self.steps_per_execution)


class _NewestBatches:
    """The batches of the last steps, over which averages are measured."""

    def __init__(self):
        self._kept, self._rows, self._bytes = deque(), 0, 0
        self._steps = 0  # since the last measurement

    def add(self, batches, steps):
        """Takes the batches of a step, the last one of several that ran at once."""
        self._steps += steps
        self._kept.append(batches)
        self._count(batches, 1)
        while len(self._kept) > 1 and (self._rows > _ROWS or self._bytes > _BYTES):
            self._count(self._kept.popleft(), -1)

    def _count(self, batches, times):
        self._rows += times * sum(map(_rows_of, batches))
        self._bytes += times * sum(map(_bytes_of, batches))

    def measure(self, model):
        """Over half as many as there were steps, unless averages of past steps tell more."""
        half = -(-self._steps // 2)
        newest = list(self._kept)[-half:] if half else []
        chosen = [batch for batches in newest for batch in batches if _rows_of(batch)]
        if sum(map(_rows_of, chosen)) < _FEW_ROWS:
            return
        self._steps = 0
        averages = MeasuredAverages(model)
        for batch in chosen:
            averages.add(batch, _rows_of(batch))
        if not averages.broken:
            averages.assign()

    def measure_again(self, model):
        """Whether there were steps since or not: an optimizer's averages of weights came after."""
        self._steps = max(self._steps, 2 * len(self._kept))
        self.measure(model)


class _AtTheEnd(keras.callbacks.Callback):
    """The first callback of a `fit`: others find the newest averages."""

    def __init__(self, batches):
        super().__init__()
        self._batches = batches

    def on_epoch_end(self, epoch, logs=None):
        self._batches.measure(self.model)

    def on_train_end(self, logs=None):
        self._batches.measure_again(self.model)


class _BeforeValidation(keras.callbacks.Callback):
    """The last callback of a `fit`: another may have put in the weights that are validated."""

    def __init__(self, batches):
        super().__init__()
        self._batches = batches

    def on_test_begin(self, logs=None):
        self._batches.measure(self.model)


def _rows_of(batch):
    return tree.flatten(batch)[0].shape[0]


def _bytes_of(batch):
    return sum(math.prod(leaf.shape) * _item_size(leaf.dtype) for leaf in tree.flatten(batch))


def _item_size(dtype):
    return dtype.itemsize if hasattr(dtype, "itemsize") else dtype.size  # TensorFlow's


def _is_dense(leaf):
    return ops.is_tensor(leaf) and not is_sparse(leaf) and not hasattr(leaf, "row_splits")
