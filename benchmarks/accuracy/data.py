"""The rows of one training: which have labels, which don't, which are held out."""

import functools
from typing import NamedTuple

import keras
import numpy as np

import keras_vat
from keras_vat import autodiff
from keras_vat.data.array_rows import ArrayRows
from keras_vat.data.shuffled_rows import ShuffledRows

CHUNK = 5000


class Rows(NamedTuple):
    """Pairs `(x, y)`, and `unlabeled` inputs: those of all rows that train."""

    labeled: tuple
    unlabeled: np.ndarray
    validation: tuple
    test: tuple


def load(dataset, seed):
    """`(x_train, y_train), (x_test, y_test)`; sine waves are new ones for each seed."""
    if dataset == "sine_waves":
        x, y = keras_vat.data.sine_waves(seed=seed)
        return (x[:1000], y[:1000]), (x[1000:], y[1000:])
    return images(dataset)


@functools.cache
def images(dataset):
    return keras_vat.data.load(dataset)


@functools.cache
def whitened(dataset):
    """The images whitened by what all training images have in common; fitted once a process."""
    train, test = images(dataset)
    # On the CPU: an accelerator's shortened float32 is too coarse for the smallest variances.
    with keras.device("cpu:0"):
        whitening = keras_vat.data.ZCAWhitening(dtype="float32")
        whitening.adapt(train[0])

        def whiten(x):
            starts = range(0, len(x), CHUNK)
            return np.concatenate([whitening(x[start : start + CHUNK]) for start in starts])

        return (whiten(train[0]), train[1]), (whiten(test[0]), test[1])


def split(dataset, settings, seed, validation_rows):
    """Draws validation rows and labels; others for every seed."""
    (x, y), test = whitened(dataset) if settings.zca else load(dataset, seed)
    order = np.random.default_rng(seed).permutation(len(x))
    validation, rest = order[:validation_rows], order[validation_rows:]
    unlabeled, labels = x[rest], y[rest]
    labeled = unlabeled, labels
    if settings.num_labels is not None:
        chosen = keras_vat.data.labeled_split(labels, settings.num_labels, seed=seed)
        labeled = unlabeled[chosen], labels[chosen]
    return Rows(labeled, unlabeled, (x[validation], y[validation]), test)


def batches(rows, settings, seed):
    """Endless batches in the settings' sizes, augmented as they say."""
    augment = None
    if settings.augmentation is not None:
        augment = keras_vat.data.augmentation(settings.augmentation, seed=seed)
    if settings.unlabeled_batch_size is not None:
        # Batches of 64 out of 20 labels: some rows come several times in a batch.
        times = -(-settings.labeled_batch_size // len(rows.labeled[1]))
        return keras_vat.data.semi_supervised(
            tuple(np.concatenate([array] * times) for array in rows.labeled),
            rows.unlabeled,
            settings.labeled_batch_size,
            settings.unlabeled_batch_size,
            augment=augment,
            seed=seed,
            repeat=True,
        )
    labeled = ArrayRows.labeled(rows.labeled)
    if not autodiff.LAYERS_WORK_IN_PIPELINES:
        return LabeledBatches(labeled, settings.labeled_batch_size, augment, seed)
    labeled = labeled.batches(settings.labeled_batch_size, seed, repeat=True)
    if augment is not None:
        labeled = labeled.map(lambda x, y: (augment(x, training=True), y))
    return labeled.prefetch(2)


class LabeledBatches(keras.utils.PyDataset):
    """The same without `tf.data`: endless batches of pairs `(x, y)`."""

    num_batches = None

    def __init__(self, rows, batch_size, augment, seed):
        super().__init__()
        self._rows = ShuffledRows(rows, seed)
        self._batch_size, self._augment = batch_size, augment

    def __getitem__(self, number):
        x, y = self._rows.of_stream(number, self._batch_size)
        return (x if self._augment is None else self._augment(x, training=True)), y
