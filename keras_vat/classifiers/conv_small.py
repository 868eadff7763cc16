"""Conv-Small, in its widths for SVHN and for CIFAR-10."""

import keras

from keras_vat import arguments
from keras_vat.classifiers.conv_net import conv_net

_FILTERS = {
    "svhn": (64, 64, 64, 128, 128, 128, 128, 128, 128),
    "cifar10": (96, 96, 96, 192, 192, 192, 192, 192, 192),
}


def conv_small(
    dataset: str = "svhn", num_classes: int = 10, top_batch_norm: bool | None = None
) -> keras.Model:
    """Builds Conv-Small: nine convolutions, 64 and 128 filters, or 96 and 192 for CIFAR-10.

    Args:
        dataset: "svhn" (default), whose logits are batch-normalised, or "cifar10", which is wider.
        num_classes: Number of classes. Defaults to `10`.
        top_batch_norm: Whether the logits are batch-normalised. `None` (default): for "svhn".
            `conv_small("svhn", top_batch_norm=False)` is the net of virtual movement training.

    Returns:
        A functional `keras.Model`: `(batch, 32, 32, 3)` -> logits `(batch, num_classes)`, of
        `float32` also under mixed precision.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If `dataset` is unknown.

    Example:

    ```python
    from keras_vat.classifiers import conv_small

    classifier = conv_small("cifar10")
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), table 6;
    "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous, 2018), table
    4.
    """
    arguments.one_of("dataset", dataset, tuple(_FILTERS))
    num_classes = arguments.whole_number("num_classes", num_classes, 1)
    if top_batch_norm is None:
        top_batch_norm = dataset == "svhn"
    arguments.boolean("top_batch_norm", top_batch_norm)
    return conv_net(_FILTERS[dataset], num_classes, top_batch_norm, f"conv_small_{dataset}")
