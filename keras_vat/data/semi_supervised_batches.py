"""Semi-supervised batches of arrays without `tf.data`."""

import keras

from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.data.shuffled_rows import ShuffledRows


class SemiSupervisedBatches(keras.utils.PyDataset):
    """What `semi_supervised` makes of arrays on JAX: such batches as on TensorFlow, in NumPy.

    Args:
        labeled, unlabeled: `ArrayRows` that match.
        labeled_batch_size, unlabeled_batch_size, repeat: As in `semi_supervised`.
        augment: Callable on a batch of inputs.
        seeds: Two integers, or `None`: of the order of the labelled and the unlabelled rows.
    """

    def __init__(
        self, labeled, unlabeled, labeled_batch_size, unlabeled_batch_size, augment, seeds, repeat
    ):
        super().__init__()
        self._labeled = ShuffledRows(labeled, seeds[0])
        self._unlabeled = ShuffledRows(unlabeled, seeds[1])
        self._sizes = labeled_batch_size, unlabeled_batch_size
        self._augment, self._repeat, self._epoch = augment, repeat, 0

    @property
    def num_batches(self):
        """Batches of an epoch; `None`: endless."""
        return None if self._repeat else self._unlabeled.num_rows // self._sizes[1]

    def on_epoch_end(self):
        self._epoch += 1

    def __iter__(self):
        """A pass; the next one has another order, as the next epoch of `fit` has."""
        try:
            yield from super().__iter__()
        finally:
            self.on_epoch_end()

    def __getitem__(self, number):
        size = self._sizes[1]
        if self._repeat:
            unlabeled = self._unlabeled.of_stream(number, size)
        else:
            unlabeled = self._unlabeled.of_pass(self._epoch, number * size, size)
            number += self._epoch * self.num_batches
        x, *targets = self._labeled.of_stream(number, self._sizes[0])
        return (SemiSupervisedInputs(self._augment(x), self._augment(unlabeled)), *targets)
