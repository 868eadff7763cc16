"""What `fit` and `train_on_batch` were given, looked at before the first step."""

import numpy as np
from keras import tree

from keras_vat.data.is_dataset import is_dataset
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.forward.check_batch import has_one_input
from keras_vat.forward.classifier_output import name_of_loss, only_loss
from keras_vat.forward.labels import only_one


def check_rows(x):
    """Raises unless there is an input, and one with rows."""
    if x is None:
        raise ValueError("`x` is needed: inputs, or a dataset or generator. Received: x=None")
    if isinstance(x, SemiSupervisedInputs) and x.labeled is None:
        raise ValueError("`labeled` inputs are needed beside unlabelled ones. Received: None")
    shape = getattr(x, "shape", (None,))
    if len(shape) and shape[0] == 0:
        raise ValueError(f"`x` must have at least one row. Received: x.shape={tuple(shape)}")


def check_halves(x, classifier):
    """Raises where `fit` was given labelled and unlabelled arrays in the place of batches.

    Args:
        x: As `fit` was given it.
        classifier: The Keras model. Of one with several inputs, a pair of arrays is two inputs.
    """
    if isinstance(x, SemiSupervisedInputs):
        rows = {leaf.shape[0] for leaf in tree.flatten(x) if hasattr(leaf, "shape")}
        wrong = len(rows) > 1
    else:
        pair = isinstance(x, (tuple, list)) and len(x) == 2
        wrong = has_one_input(classifier) and pair and all(hasattr(half, "shape") for half in x)
    if wrong:
        shapes = [tuple(leaf.shape) for leaf in tree.flatten(x)]
        raise ValueError(
            "`x` must be rows of one kind. Labelled and unlabelled rows go in as batches of both: "
            "model.fit(keras_vat.data.semi_supervised((x_labeled, y), x_unlabeled)). "
            f"Received: x={type(x).__name__} of shapes {shapes}"
        )


def check_end(x):
    """Raises for endless batches, of which no epoch would ever come to its end."""
    endless = getattr(x, "num_batches", 0) is None  # a generator of Keras's
    if is_dataset(x):
        endless = int(x.cardinality()) == -1  # tf.data.INFINITE_CARDINALITY
    if endless:
        raise ValueError(
            "`steps_per_epoch` is needed: the dataset is endless, as it is with `repeat=True`. "
            "Received: steps_per_epoch=None"
        )


def check_class_numbers(y, loss, num_classes):
    """Raises for labels that are no classes of the sparse cross-entropy.

    Left alone, TensorFlow stops at the first of them without saying which argument it is in, and
    JAX takes its loss for 0.

    Args:
        y: Labels as `fit` was given them, of one output; what is no array is passed over.
        loss: The compiled loss.
        num_classes: Number of the classifier's outputs, `None` where it is unknown.
    """
    loss, y = only_loss(loss), only_one(y)
    if not hasattr(y, "shape") or "sparsecategorical" not in name_of_loss(loss):
        return
    numbers = np.asarray(y)
    if numbers.dtype.kind not in "biuf":
        raise TypeError(
            "`y` must be class numbers; make them of names by `np.unique(y, return_inverse=True)`. "
            f"Received: y of dtype {numbers.dtype}"
        )
    ignored = getattr(loss, "ignore_class", None)
    used = numbers if ignored is None else numbers[numbers != ignored]
    if used.size and used.min() < 0:
        raise ValueError(
            "`y` must be class numbers from 0 on. Where -1 marks rows without a label, split them "
            "by keras_vat.data.semi_supervised((x, y)). "
            f"Received: y with values down to {used.min()}"
        )
    if used.size and num_classes is not None and used.max() >= num_classes:
        raise ValueError(
            f"`y` must be class numbers below {num_classes}, the number of the classifier's "
            f"outputs. Received: y with values up to {used.max()}"
        )
