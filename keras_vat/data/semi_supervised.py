"""Batches for semi-supervised training: labelled and unlabelled rows side by side."""

import warnings
from collections.abc import Callable
from typing import Any

import keras

from keras_vat import arguments
from keras_vat.autodiff import LAYERS_WORK_IN_PIPELINES
from keras_vat.data.array_rows import ArrayRows
from keras_vat.data.is_dataset import is_dataset
from keras_vat.data.matching_rows import check_matching
from keras_vat.data.semi_supervised_batches import SemiSupervisedBatches
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.data.stream_seeds import stream_seeds


def semi_supervised(
    labeled: Any,
    unlabeled: Any = None,
    labeled_batch_size: int = 32,
    unlabeled_batch_size: int = 128,
    augment: Callable[[Any], Any] | None = None,
    seed: int | None = None,
    repeat: bool = False,
    steps_per_epoch: int | None = None,
) -> Any:
    """Pairs labelled batches with unlabelled ones for `VATModel.fit`.

    One epoch is one pass over the unlabelled rows: `rows // unlabeled_batch_size` steps. A table
    of a few hundred rows has two or three of them in an epoch; `steps_per_epoch=100` makes it a
    hundred.

    Both halves are shuffled anew in every iteration and come in full batches only; the few rows
    that are left over change from epoch to epoch. The labelled rows go round and round, each once
    per round. Where there are fewer rows than a batch takes, a batch holds them all, and a warning
    says so. The unlabelled rows are exactly those given: for the setting of the VAT papers pass
    the whole training set, labelled rows included.

    Args:
        labeled: `(x, y)` or `(x, y, sample_weight)` of arrays with one row per example, `x` an
            array or a structure of arrays; or a `tf.data.Dataset` of such tuples, unbatched.
        unlabeled: Array or structure of arrays like `x`; or a `tf.data.Dataset` of inputs,
            unbatched. `None` (default): the rows of `labeled` whose label is -1 are the
            unlabelled ones (scikit-learn's convention), and only the others count as labelled;
            a dataset is then read once to count both.
        labeled_batch_size: Labelled rows per step. Defaults to `32`.
        unlabeled_batch_size: Unlabelled rows per step. Defaults to `128`.
        augment: Keras layer (called with `training=True`) or any callable on a batch of inputs,
            applied to each half. It draws from its own seed. `None` (default): nothing.
        seed: Integer: the order of rows is the same in every run, and still another in every
            epoch. `None` (default): drawn from the global seed, if set.
        repeat: `True`: endless (give `steps_per_epoch` to `fit`), and batches span passes.
            Defaults to `False`.
        steps_per_epoch: Integer: an epoch has so many batches, which span passes over the rows.
            A dataset is read from its beginning in each epoch: where it is longer than that, give
            `repeat=True` here and `steps_per_epoch` to `fit`, which reads on. `None` (default):
            an epoch is one pass.

    Returns:
        A `tf.data.Dataset` of `(SemiSupervisedInputs(labeled, unlabeled), y)`, with the sample
        weights as third element if given. Floats of 64 bits become `keras.config.floatx()`. On
        JAX, from arrays: a `keras.utils.PyDataset` of such batches, with `skip` and `take`, which
        needs no TensorFlow.

        Arrays are kept in memory whole, and all their rows are shuffled. Datasets are read as
        training goes on and shuffled less well: each row is drawn from a buffer of up to 50,000
        (1 GiB at most), so it meets those that are read about when it is. Bring files into random
        order when you write them; `docs/large_data.md` has the rest. `tf.train.Checkpoint` saves
        where an iterator stands; what `augment` holds, as its seed, is not in it.

    Raises:
        TypeError: If `labeled` is neither a tuple of arrays nor a dataset, the two halves differ
            in kind of dtype, or `augment` can't be called.
        ValueError: If the two halves differ in structure or shape, arrays in number of rows, a
            batch size or number of steps is not positive, a half has no rows, or both `repeat`
            and `steps_per_epoch` are given.

    Example:

    ```python
    from keras_vat.data import labeled_split, load, semi_supervised

    (x, y), test = load("digits")
    rows = labeled_split(y, num_labels=50)
    dataset = semi_supervised((x[rows], y[rows]), x, labeled_batch_size=16)
    for inputs, labels in dataset.take(1):
        print(inputs.labeled.shape, inputs.unlabeled.shape)  # (16, 8, 8, 1) (128, 8, 8, 1)
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), appendices C and D
    (two batches per step).
    """
    labeled_batch_size = arguments.whole_number("labeled_batch_size", labeled_batch_size, 1)
    unlabeled_batch_size = arguments.whole_number("unlabeled_batch_size", unlabeled_batch_size, 1)
    repeat = arguments.boolean("repeat", repeat)
    if steps_per_epoch is not None:
        steps_per_epoch = arguments.whole_number("steps_per_epoch", steps_per_epoch, 1)
        if repeat:
            raise ValueError(
                "`steps_per_epoch` must be None where `repeat=True`: endless batches have no "
                f"epochs; give the steps to `fit`. Received: steps_per_epoch={steps_per_epoch}"
            )
    spans_passes = repeat or steps_per_epoch is not None
    labeled_seed, unlabeled_seed = stream_seeds(seed, 2)
    augment = _augment_function(augment)

    is_pipeline = is_dataset(labeled) or is_dataset(unlabeled)
    labeled = _source(labeled).labeled(labeled)
    if unlabeled is None:
        labeled, unlabeled = labeled.split_by_label()
    else:
        unlabeled = _source(unlabeled).unlabeled(unlabeled)
    check_matching(labeled.spec[0], unlabeled.spec)
    asked_for = labeled_batch_size, unlabeled_batch_size
    labeled_batch_size = labeled.rows_in_batch(labeled_batch_size)
    unlabeled_batch_size = unlabeled.rows_in_batch(unlabeled_batch_size)
    _warn_of_few_rows(asked_for, (labeled_batch_size, unlabeled_batch_size), spans_passes)

    if not (LAYERS_WORK_IN_PIPELINES or is_pipeline):
        return SemiSupervisedBatches(
            labeled,
            unlabeled,
            labeled_batch_size,
            unlabeled_batch_size,
            augment,
            (labeled_seed, unlabeled_seed),
            repeat,
            steps_per_epoch,
        )

    import tensorflow as tf  # here, so that the package does without it where it can

    def join(labeled_batch, inputs):
        x, *targets = labeled_batch
        return (SemiSupervisedInputs(augment(x), augment(inputs)), *targets)

    # One call at a time: a seed inside `augment` is then drawn from in a fixed order.
    batches = tf.data.Dataset.zip(
        labeled.batches(labeled_batch_size, labeled_seed, repeat=True),
        unlabeled.batches(unlabeled_batch_size, unlabeled_seed, repeat=spans_passes),
    )
    if steps_per_epoch is not None:
        batches = batches.take(steps_per_epoch)
    batches = batches.map(join).prefetch(tf.data.AUTOTUNE)
    # What functions hold besides the rows, as `augment` its seed, is no part of an iterator's
    # state: left to itself, tf.data refuses to save such an iterator.
    options = tf.data.Options()
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    return batches.with_options(options)


def _source(rows):
    """The class that reads such rows."""
    if not is_dataset(rows):
        return ArrayRows
    from keras_vat.data.dataset_rows import DatasetRows  # TensorFlow is imported here

    return DatasetRows


def _warn_of_few_rows(asked_for, found, spans_passes):
    """Says once that batches are smaller than was asked for, and what follows."""
    names = ("labelled", "labeled"), ("unlabelled", "unlabeled")
    halves = [
        f"{rows} {word} rows (`{argument}_batch_size={size}`)"
        for (word, argument), size, rows in zip(names, asked_for, found, strict=True)
        if rows < size
    ]
    if halves:
        message = f"Fewer rows than a batch takes: each batch has {' and '.join(halves)}."
        if found[1] < asked_for[1] and not spans_passes:
            message += " An epoch is one step; `steps_per_epoch` makes it longer."
        warnings.warn(message, stacklevel=3)


def _augment_function(augment):
    if augment is None:
        return lambda x: x
    if isinstance(augment, keras.layers.Layer):
        return lambda x: augment(x, training=True)
    if not callable(augment):
        raise TypeError(
            "`augment` must be a Keras layer or another callable on a batch of inputs. "
            f"Received: augment={augment!r} (of type {type(augment).__name__})"
        )
    return augment
