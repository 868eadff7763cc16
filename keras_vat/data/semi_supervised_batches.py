"""Semi-supervised batches of arrays without `tf.data`."""

import copy

import keras

from keras_vat import arguments
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.data.shuffled_rows import ShuffledRows


class SemiSupervisedBatches(keras.utils.PyDataset):
    """What `semi_supervised` makes of arrays on JAX: such batches as on TensorFlow, in NumPy.

    Args:
        labeled, unlabeled: `ArrayRows` that match.
        labeled_batch_size, unlabeled_batch_size: As in `semi_supervised`, at most the rows.
        augment: Callable on a batch of inputs.
        seeds: Two integers, or `None`: of the order of the labelled and the unlabelled rows.
        repeat, steps_per_epoch: As in `semi_supervised`.
    """

    def __init__(
        self,
        labeled,
        unlabeled,
        labeled_batch_size,
        unlabeled_batch_size,
        augment,
        seeds,
        repeat=False,
        steps_per_epoch=None,
    ):
        super().__init__()
        self._labeled = ShuffledRows(labeled, seeds[0])
        self._unlabeled = ShuffledRows(unlabeled, seeds[1])
        self._sizes = labeled_batch_size, unlabeled_batch_size
        self._augment, self._epoch = augment, 0
        self._spans_passes = repeat or steps_per_epoch is not None
        steps = steps_per_epoch or unlabeled.num_rows // unlabeled_batch_size
        self._steps = None if repeat else steps
        self._start, self._stop = 0, self._steps

    @property
    def num_batches(self):
        """Batches of an epoch; `None`: endless."""
        return None if self._stop is None else max(0, self._stop - self._start)

    def __len__(self):
        if self.num_batches is None:
            raise TypeError("These batches are endless: give `steps_per_epoch` to `fit`.")
        return self.num_batches

    def skip(self, count):
        """These batches without the first `count` of each epoch, as `tf.data.Dataset.skip`."""
        return self._between(self._start + arguments.whole_number("count", count, 0), self._stop)

    def take(self, count):
        """The first `count` of these batches in each epoch, as `tf.data.Dataset.take`."""
        stop = self._start + arguments.whole_number("count", count, 0)
        return self._between(self._start, stop if self._stop is None else min(stop, self._stop))

    def _between(self, start, stop):
        part = copy.copy(self)
        part._start, part._stop = start, stop
        return part

    def on_epoch_end(self):
        self._epoch += 1

    def __iter__(self):
        """An epoch; the next one has another order, as the next epoch of `fit` has."""
        try:
            yield from super().__iter__()
        finally:
            self.on_epoch_end()

    def __getitem__(self, number):
        size, number = self._sizes[1], self._start + number
        in_stream = number + self._epoch * (self._steps or 0)
        if self._spans_passes:
            unlabeled = self._unlabeled.of_stream(in_stream, size)
        else:
            unlabeled = self._unlabeled.of_pass(self._epoch, number * size, size)
        x, *targets = self._labeled.of_stream(in_stream, self._sizes[0])
        return (SemiSupervisedInputs(self._augment(x), self._augment(unlabeled)), *targets)
