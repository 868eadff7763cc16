"""Conv-Large."""

import keras

from keras_vat import arguments
from keras_vat.classifiers.conv_net import conv_net

_FILTERS = (128, 128, 128, 256, 256, 256, 512, 256, 128)


def conv_large(num_classes: int = 10, top_batch_norm: bool = False) -> keras.Model:
    """Builds Conv-Large: nine convolutions of 128 to 512 filters.

    Args:
        num_classes: Number of classes. Defaults to `10`.
        top_batch_norm: Whether the logits are batch-normalised, as the papers do on SVHN but not
            on CIFAR-10. Defaults to `False`.

    Returns:
        A functional `keras.Model`: `(batch, 32, 32, 3)` -> logits `(batch, num_classes)`, of
        `float32` also under mixed precision.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If `num_classes` is not positive.

    Example:

    ```python
    from keras_vat.classifiers import conv_large

    classifier = conv_large(top_batch_norm=True)
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), table 6.
    """
    num_classes = arguments.whole_number("num_classes", num_classes, 1)
    top_batch_norm = arguments.boolean("top_batch_norm", top_batch_norm)
    return conv_net(_FILTERS, num_classes, top_batch_norm, "conv_large")
