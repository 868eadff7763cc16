"""The pair of batches that one semi-supervised training step sees."""

from typing import Any, NamedTuple


class SemiSupervisedInputs(NamedTuple):
    """A labelled and an unlabelled batch of inputs, side by side.

    It rides in the place of `x`, so that data stay Keras's `(x, y, sample_weight)`: `y` and
    `sample_weight` belong to the rows of `labeled`. The two batches may differ in size. Being a
    named tuple, it passes through `tf.data`, `fit` and distribution strategies unchanged.

    Args:
        labeled: Inputs with labels, `(labeled_batch, ...)`, or a structure of such tensors.
        unlabeled: Inputs without labels, `(unlabeled_batch, ...)`, the same structure.

    Example:

    ```python
    import numpy as np
    from keras_vat.data import SemiSupervisedInputs

    x = SemiSupervisedInputs(labeled=np.zeros((32, 784)), unlabeled=np.zeros((128, 784)))
    y = np.zeros(32)  # model.train_on_batch(x, y)
    ```
    """

    labeled: Any
    unlabeled: Any
