"""Reconstruction error: how much of an image a generator loses."""

from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_vat.evaluation.batches import batches
from keras_vat.forward.compiled_run import CompiledRun
from keras_vat.generators.check_generator import (
    check_decoded,
    check_encoded,
    check_generator,
)


def reconstruction_error(generator: Any, x: Any, batch_size: int = 256) -> np.ndarray:
    """L2 distance of every image from its reconstruction.

    In latent-space training it is what an adversarial image differs by before any perturbation: a
    generator with large errors (a VAE on natural images) shows the classifier blurred images.

    Formula:

        error(x) = ||x - Dec(Enc(x))||_2

    Args:
        generator: Any generator: an object with `encode` and `decode`.
        x: Images, `(n, height, width, channels)`; or a dataset of batches, of `x` or `(x, y)`.
        batch_size: Rows at a time; of a dataset, its own. Defaults to `256`.

    Returns:
        NumPy array `(n,)`, in the units of the images.

    Raises:
        TypeError: If the generator has no `encode` or no `decode`, or `x` is of another type.
        ValueError: If it decodes to another shape, or there are no images.

    Example:

    >>> errors = keras_vat.evaluation.reconstruction_error(vae, x_test)
    >>> keras_vat.plotting.plot_reconstruction_error({"VAE": errors})

    Reference:
        Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
        (arXiv:2011.13181), section 7.3 and figure 8.
    """
    check_generator(generator)
    is_layer = isinstance(generator, keras.layers.Layer)
    run = CompiledRun(_distance, generator) if is_layer else partial(_distance, generator)
    errors = []
    for batch, _ in batches(x, batch_size=batch_size):
        if tree.is_nested(batch):
            raise TypeError(
                "`x` must be one array of images, or a dataset of batches; of a pair of images "
                f"and labels, give x[0]. Received: batches of type {type(batch).__name__}"
            )
        check_encoded(generator, batch)
        errors.append(ops.convert_to_numpy(run(batch)))
    return np.concatenate(errors)


def _distance(generator, x):
    decoded = generator.decode(generator.encode(x))
    check_decoded(decoded, x)
    squared = ops.square(ops.cast(x, decoded.dtype) - decoded)
    return ops.sqrt(ops.sum(squared, axis=tuple(range(1, len(x.shape)))))
