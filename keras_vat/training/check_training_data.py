"""What `fit` and `train_on_batch` were given, looked at before the first step."""

import inspect
from numbers import Real

import keras
import numpy as np
from keras import tree

from keras_vat.data.is_dataset import is_dataset
from keras_vat.data.semi_supervised_batches import SemiSupervisedBatches
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.forward.check_batch import are_several_inputs, has_one_input
from keras_vat.forward.labels import only_one
from keras_vat.forward.output_meaning import name_of_loss, only_loss


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


def check_one_input(x, classifier):
    """Raises for several inputs where the classifier has one, as zipped datasets give them."""
    if are_several_inputs(x, classifier):
        raise ValueError(
            "`x` must be one input in each batch, as the classifier has one. A batch of labelled "
            "and unlabelled rows is `(keras_vat.SemiSupervisedInputs(labeled, unlabeled), y)`, "
            "which keras_vat.data.semi_supervised makes of two datasets. "
            f"Received: x, a {type(x).__name__} of {len(x)}"
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


def has_its_order(x):
    """Whether the batches that `fit` was given come in an order of their own."""
    return is_dataset(x) or inspect.isgenerator(x) or isinstance(x, SemiSupervisedBatches)


def check_validation_split(x, validation_split):
    """Raises where rows of batches are to be held out, which only arrays can be cut for.

    Args:
        x: As `fit` was given it.
        validation_split: The share of the rows, as `fit` was given it; `None` or 0: none.
    """
    if validation_split and (is_dataset(x) or isinstance(x, keras.utils.PyDataset)):
        raise ValueError(
            "`validation_split` must be 0 beside a dataset: hold labelled rows out of it, and give "
            "them to `fit` as `validation_data=(x, y)`. Received: "
            f"validation_split={validation_split}"
        )


def all_class_weights(class_weight, num_classes):
    """A weight for each class, 1 for those left out, as Keras takes it with arrays.

    Left alone, Keras weighs a dataset's batches by a table that ends at the last class given.

    Args:
        class_weight: As `fit` was given it.
        num_classes: Number of the classifier's outputs, `None` where it is unknown.
    """
    if not isinstance(class_weight, dict) or not all(
        isinstance(number, Real) and number == int(number) >= 0 for number in class_weight
    ):
        raise TypeError(
            "`class_weight` must be a dictionary of class numbers and their weights, such as "
            f"{{0: 1.0, 1: 2.5}}. Received: class_weight={class_weight!r}"
        )
    every_class = range(max(num_classes or 0, 2))  # one output is that of two classes
    return {
        **dict.fromkeys(every_class, 1.0),
        **{int(number): weight for number, weight in class_weight.items()},
    }


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
