"""The batches that an evaluation runs through: of arrays, or as a dataset has them."""

import numpy as np
from keras import ops, tree

from keras_vat import arguments
from keras_vat.data.elements import inputs_and_labels
from keras_vat.forward.labels import only_one
from keras_vat.forward.perturbable import as_tensors, densified, is_sparse


def batches(x, y=None, batch_size=256):
    """Yields `(x, y)` of every batch as tensors; y is `None` where there are no labels.

    Args:
        x: Inputs, `(n, ...)`, or a structure of them; or a `tf.data.Dataset` or another iterable
            of batches: of `x`, of `(x, y)`, or of semi-supervised elements, whose unlabelled rows
            are taken.
        y: Labels of arrays, `(n, ...)`, or `None`.
        batch_size: Rows at a time, of arrays.

    Raises:
        TypeError: If `x` is neither.
        ValueError: If there are no rows, or labels of another number, or labels beside a dataset;
            for a dataset of single rows, where a scalar shows it.
    """
    batch_size = arguments.whole_number("batch_size", batch_size, 1)
    rows = check_inputs(x, y)
    if rows is None:
        empty = True
        for element in x:
            empty = False
            batch, labels = as_tensors(inputs_and_labels(element))
            labels = only_one(labels)
            if any(
                not len(leaf.shape) for leaf in tree.flatten((batch, labels)) if leaf is not None
            ):
                raise ValueError(
                    "`x` must be a dataset of batches; make them of single rows by its `batch`. "
                    "Received: a row or a label without an axis of rows"
                )
            yield batch, labels
        if empty:
            raise ValueError(f"`x` must hold at least one batch. Received: x={x}")
        return
    x = tree.map_structure(_sliceable, x)
    y = only_one(y)
    for start in range(0, rows, batch_size):
        yield as_tensors(
            tree.map_structure(lambda array, s=start: array[s : s + batch_size], (x, y))
            if y is not None
            else (tree.map_structure(lambda array, s=start: array[s : s + batch_size], x), None)
        )


def _sliceable(leaf):
    """SciPy's sparse matrices can be cut, sparse tensors can't."""
    return densified(leaf) if is_sparse(leaf) and not hasattr(leaf, "toarray") else leaf


def yields_batches(x):
    """Whether x is an iterable of batches, and not arrays."""
    return not all(hasattr(leaf, "shape") for leaf in tree.flatten(x))


def check_inputs(x, y=None):
    """Raises unless `batches` can run through x; returns its number of rows, if it is arrays."""
    if not yields_batches(x):
        return count_rows(x, y)
    if isinstance(x, str) or not hasattr(x, "__iter__"):
        raise TypeError(
            "`x` must be arrays, or a dataset of batches. "
            f"Received: x={x!r} (of type {type(x).__name__})"
        )
    if y is not None:
        raise ValueError(
            "`y` must be None where `x` is a dataset: its elements are then `(x, y)`. "
            f"Received: y of type {type(y).__name__}"
        )
    return None


def count_rows(x, y=None):
    """The number of rows that all parts of x, and the labels, have."""
    counts = [leaf.shape[0] for leaf in tree.flatten(x if y is None else (x, y))]
    if len(set(counts)) != 1 or 0 in counts:
        names, their = ("`x`", "its") if y is None else ("`x` and `y`", "their")
        raise ValueError(
            f"{names} must hold the same number of rows in all {their} parts, and at least one. "
            f"Received: {counts} rows"
        )
    return counts[0]


def endless_batches(x, choose, y=None):
    """Yields `(x, y)` of batches again and again; y is `None` where there are no labels.

    Args:
        x: As in `batches`. A data set is begun anew when it ends.
        choose: Callable from the number of rows of arrays to an endless iterable of the places of
            a batch's rows.
        y: Labels of arrays, or `None`.
    """
    rows = check_inputs(x, y)
    while rows is None:
        yield from batches(x)
    arrays = tree.map_structure(ops.convert_to_numpy, x)
    labels = None if y is None else ops.convert_to_numpy(y)
    for chosen in choose(rows):
        batch = tree.map_structure(lambda array, i=chosen: array[i], arrays)
        yield as_tensors((batch, None if labels is None else labels[chosen]))


def passes(batch_size, seed):
    """For `endless_batches`: full batches of all rows in a new order each pass."""

    def choose(rows):
        size, generator = min(batch_size, rows), np.random.default_rng(seed)
        while True:
            order = generator.permutation(rows)
            for start in range(0, rows - size + 1, size):
                yield order[start : start + size]

    return choose


def draws(batch_size, seed):
    """For `endless_batches`: rows drawn for each batch by itself, none twice."""

    def choose(rows):
        size, generator = min(batch_size, rows), np.random.default_rng(seed)
        while True:
            yield generator.choice(rows, size, replace=False)

    return choose
