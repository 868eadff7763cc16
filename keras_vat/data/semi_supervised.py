"""Batches for semi-supervised training: labelled and unlabelled rows side by side."""

import keras

from keras_vat import arguments
from keras_vat.autodiff import LAYERS_WORK_IN_PIPELINES
from keras_vat.data.array_rows import ArrayRows
from keras_vat.data.is_dataset import is_dataset
from keras_vat.data.matching_rows import check_batch_fits, check_matching
from keras_vat.data.semi_supervised_batches import SemiSupervisedBatches
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.data.stream_seeds import stream_seeds


def semi_supervised(
    labeled,
    unlabeled=None,
    labeled_batch_size=32,
    unlabeled_batch_size=128,
    augment=None,
    seed=None,
    repeat=False,
):
    """Pairs labelled batches with unlabelled ones for `VATModel.fit`.

    Both halves are shuffled anew in every iteration and come in full batches only. One epoch is
    one pass over the unlabelled rows, `rows // unlabeled_batch_size` steps; the few that are left
    over change from epoch to epoch. The labelled rows go round and round, each once per round,
    however few they are. The unlabelled rows are exactly those given: for the setting of the VAT
    papers pass the whole training set, labelled rows included.

    Args:
        labeled: `(x, y)` or `(x, y, sample_weight)` of arrays with one row per example, `x` an
            array or a structure of arrays; or a `tf.data.Dataset` of such tuples, unbatched.
        unlabeled: Array or structure of arrays like `x`; or a `tf.data.Dataset` of inputs,
            unbatched. `None` (default): the rows of `labeled` whose label is -1 are the
            unlabelled ones (scikit-learn's convention), and only the others count as labelled;
            a dataset is then read once to count both.
        labeled_batch_size: Labelled rows per step. Defaults to `32`. Where there are fewer
            rows, some come more often than others in a batch; on MNIST with 20 labels batches of
            20 left fewer errors than batches of 64.
        unlabeled_batch_size: Unlabelled rows per step. Defaults to `128`.
        augment: Keras layer (called with `training=True`) or any callable on a batch of inputs,
            applied to each half. It draws from its own seed. `None` (default): nothing.
        seed: Integer: the order of rows is the same in every run, and still another in every
            epoch. `None` (default): drawn from the global seed, if set.
        repeat: `True`: endless (give `steps_per_epoch` to `fit`), and batches span passes.
            Defaults to `False`.

    Returns:
        A `tf.data.Dataset` of `(SemiSupervisedInputs(labeled, unlabeled), y)`, with the sample
        weights as third element if given. Arrays are kept in memory whole and gathered batch by
        batch; datasets go through a shuffle buffer of up to 50,000 rows. Floats of 64 bits
        become `keras.config.floatx()`. On JAX, from arrays: a `keras.utils.PyDataset` of such
        batches, with `skip` and `take`, which needs no TensorFlow.

    Raises:
        TypeError: If `labeled` is neither a tuple of arrays nor a dataset, the two halves differ
            in kind of dtype, or `augment` can't be called.
        ValueError: If the two halves differ in structure or shape, arrays in number of rows, a
            batch size is not positive, no row is unlabelled, or there are too few for one batch.

    Example:

    ```python
    from keras_vat.data import labeled_split, load, semi_supervised

    (x, y), test = load("digits")
    rows = labeled_split(y, num_labels=50)
    dataset = semi_supervised((x[rows], y[rows]), x, labeled_batch_size=16)
    for inputs, labels in dataset.take(1):
        print(inputs.labeled.shape, inputs.unlabeled.shape)  # (16, 8, 8, 1) (128, 8, 8, 1)
    ```

    Reference: Miyato et al., arXiv:1704.03976, appendices C and D (two batches per step).
    """
    labeled_batch_size = arguments.whole_number("labeled_batch_size", labeled_batch_size, 1)
    unlabeled_batch_size = arguments.whole_number("unlabeled_batch_size", unlabeled_batch_size, 1)
    repeat = arguments.boolean("repeat", repeat)
    labeled_seed, unlabeled_seed = stream_seeds(seed, 2)
    augment = _augment_function(augment)

    is_pipeline = is_dataset(labeled) or is_dataset(unlabeled)
    labeled = _source(labeled).labeled(labeled)
    if unlabeled is None:
        labeled, unlabeled = labeled.split_by_label()
    else:
        unlabeled = _source(unlabeled).unlabeled(unlabeled)
    check_matching(labeled.spec[0], unlabeled.spec)
    check_batch_fits(unlabeled.num_rows, unlabeled_batch_size)

    if not (LAYERS_WORK_IN_PIPELINES or is_pipeline):
        return SemiSupervisedBatches(
            labeled,
            unlabeled,
            labeled_batch_size,
            unlabeled_batch_size,
            augment,
            (labeled_seed, unlabeled_seed),
            repeat,
        )

    import tensorflow as tf  # here, so that the package does without it where it can

    def join(labeled_batch, inputs):
        x, *targets = labeled_batch
        return (SemiSupervisedInputs(augment(x), augment(inputs)), *targets)

    # One call at a time: a seed inside `augment` is then drawn from in a fixed order.
    batches = tf.data.Dataset.zip(
        labeled.batches(labeled_batch_size, labeled_seed, repeat=True),
        unlabeled.batches(unlabeled_batch_size, unlabeled_seed, repeat=repeat),
    )
    return batches.map(join).prefetch(tf.data.AUTOTUNE)


def _source(rows):
    """The class that reads such rows."""
    if not is_dataset(rows):
        return ArrayRows
    from keras_vat.data.dataset_rows import DatasetRows  # TensorFlow is imported here

    return DatasetRows


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
