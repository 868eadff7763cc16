"""The augmentation of the papers' experiments, by data set."""

import keras

from keras_vat import arguments
from keras_vat.data.random_shift import RandomShift

_HORIZONTAL_FLIP = {"cifar10": True, "svhn": False, "mnist": False}


def augmentation(name: str, seed: int | None = None) -> keras.layers.Layer:
    """Makes the layer that augments a data set's images as the VAT papers do.

    Shifts by up to 2 whole pixels over zeros; "cifar10" is also mirrored with probability 1/2.
    The papers shift after whitening. MNIST is not augmented in the papers.

    Args:
        name: "cifar10", "svhn" or "mnist".
        seed: Integer, or `None` (default): drawn from Keras's global seed.

    Returns:
        A Keras layer on images `(batch, height, width, channels)`, active with `training=True`.

    Raises:
        ValueError: If `name` is unknown.

    Example:

    ```python
    from keras_vat.data import augmentation, labeled_split, load, semi_supervised

    (x, y), test = load("digits")
    rows = labeled_split(y, 50)
    dataset = semi_supervised((x[rows], y[rows]), x, augment=augmentation("mnist"))
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), appendices B and D.
    """
    arguments.one_of("name", name, tuple(_HORIZONTAL_FLIP))
    return RandomShift(max_shift=2, horizontal_flip=_HORIZONTAL_FLIP[name], seed=seed)
