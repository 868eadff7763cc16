"""Semi-supervised batches of arrays without `tf.data`."""

import keras
import numpy as np

from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.data.shuffled_rows import ShuffledRows, take


class SemiSupervisedBatches(keras.utils.PyDataset):
    """What `semi_supervised` makes of arrays on JAX: such batches as on TensorFlow, in NumPy.

    Args:
        labeled: `(x, y)` or `(x, y, sample_weight)` of arrays with one row per example.
        unlabeled: Array or structure of arrays like `x`; `None`: rows whose label is -1.
        labeled_batch_size, unlabeled_batch_size, augment, repeat: As in `semi_supervised`.
        seeds: Two integers, or `None`: of the order of the labelled and the unlabelled rows.

    Raises:
        TypeError: If `labeled` is no tuple of arrays.
        ValueError: If numbers of rows differ or there are too few for one batch.
    """

    def __init__(
        self, labeled, unlabeled, labeled_batch_size, unlabeled_batch_size, augment, seeds, repeat
    ):
        super().__init__()
        if not isinstance(labeled, tuple) or len(labeled) not in (2, 3):
            raise TypeError(
                "`labeled` must be a tuple of arrays, `(x, y)` or `(x, y, sample_weight)`; "
                "`tf.data` pipelines need TensorFlow. "
                f"Received: labeled={type(labeled).__name__}"
            )
        if unlabeled is None:
            without = np.asarray(labeled[1]).reshape(len(labeled[1]), -1)[:, 0] == -1
            unlabeled = take(labeled[0], np.flatnonzero(without))
            labeled = take(labeled, np.flatnonzero(~without))
        self._labeled = ShuffledRows(labeled, "labeled", seeds[0])
        self._unlabeled = ShuffledRows(unlabeled, "unlabeled", seeds[1])
        if self._unlabeled.num_rows < unlabeled_batch_size or self._labeled.num_rows < 1:
            raise ValueError(
                "There must be a labelled row and unlabelled rows for a batch. Received: "
                f"{self._labeled.num_rows} labelled and {self._unlabeled.num_rows} unlabelled "
                f"rows, unlabeled_batch_size={unlabeled_batch_size}"
            )
        self._sizes = labeled_batch_size, unlabeled_batch_size
        self._augment, self._repeat, self._epoch = augment, repeat, 0

    @property
    def num_batches(self):
        """Batches of an epoch; `None`: endless."""
        return None if self._repeat else self._unlabeled.num_rows // self._sizes[1]

    def on_epoch_end(self):
        self._epoch += 1

    def __getitem__(self, number):
        size = self._sizes[1]
        if self._repeat:
            unlabeled = self._unlabeled.of_stream(number, size)
        else:
            unlabeled = self._unlabeled.of_pass(self._epoch, number * size, size)
            number += self._epoch * self.num_batches
        x, *targets = self._labeled.of_stream(number, self._sizes[0])
        return (SemiSupervisedInputs(self._augment(x), self._augment(unlabeled)), *targets)
