"""The batches of a fit, from rows with labels, without, and with weights."""

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from keras_vat.data.array_rows import ArrayRows
from keras_vat.data.semi_supervised_batches import SemiSupervisedBatches

MOST_REPETITIONS = 10


def training_batches(x, y, sample_weight, class_weight, batch_sizes, seed):
    """Endless batches, as large as the rows allow; the penalties see all rows.

    The order of the rows given doesn't matter: the same rows make the same batches. Whole weights
    repeat a row, so that a fit with them is a fit on repeated rows, to the bit.

    Args:
        x: Inputs, `(rows, ...)`.
        y: Numbers of the classes, `(rows,)`; -1: no label.
        sample_weight: Weights of at least 0, `(rows,)`, or `None`.
        class_weight: As everywhere in scikit-learn.
        batch_sizes: Most rows of a labelled and of an unlabelled batch.
        seed: Integer.

    Returns:
        A `keras.utils.PyDataset` of what `VATModel.fit` takes.
    """
    rows = _in_one_order(x, y, sample_weight)
    factors = None
    if sample_weight is not None:
        whole = np.all(sample_weight == np.round(sample_weight))
        if whole and sample_weight.max() <= MOST_REPETITIONS:
            rows = np.repeat(rows, sample_weight[rows].astype("int64"))
        else:
            rows, factors = rows[sample_weight[rows] > 0], sample_weight
    labeled = rows[y[rows] >= 0]
    if class_weight is not None:
        of_class = np.zeros(len(y))
        of_class[labeled] = compute_sample_weight(class_weight, y[labeled])
        factors = of_class if factors is None else factors * of_class
    targets = (y,)
    if factors is not None:
        targets = (y, (factors / factors[labeled].mean()).astype("float32"))
    sizes = min(batch_sizes[0], len(labeled)), min(batch_sizes[1], len(rows))
    return SemiSupervisedBatches(
        ArrayRows((x, *targets), "X", labeled),
        ArrayRows(x, "X", rows),
        *sizes,
        augment=lambda inputs: inputs,
        seeds=[int(one) for one in np.random.SeedSequence(seed).generate_state(2)],
        repeat=True,
    )


def _in_one_order(x, y, sample_weight):
    """The rows' indices, sorted by their bytes, label and weight."""
    columns = [x.reshape(len(x), -1), y, *([] if sample_weight is None else [sample_weight])]
    table = np.ascontiguousarray(np.column_stack(columns), x.dtype)
    return np.argsort(table.view(f"V{table[0].nbytes}")[:, 0], kind="stable")
