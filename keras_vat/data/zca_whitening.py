"""ZCA whitening, the preprocessing of the papers' CIFAR-10 experiments."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vat import arguments
from keras_vat.autodiff import concrete_value
from keras_vat.data.is_dataset import is_dataset

_CHUNK_ROWS = 4096


@keras.saving.register_keras_serializable(package="keras_vat")
class ZCAWhitening(keras.layers.Layer):
    """Rotates, scales and rotates back, so that features have unit covariance.

    Of all whitenings it is the one whose output stays closest to the input: whitened images
    still look like images. Call `adapt` on the training inputs first; then the layer works on
    arrays, in `tf.data` pipelines and inside models, and is saved with them.

    Formula:

        C = mean((x - m)(x - m)^T) = U diag(S) U^T
        W = U diag(1 / (sqrt(S) + regularization)) U^T
        ZCAWhitening(x) = W (x - m)

    The VAT authors' code, too, has the regulariser outside the root, where 1e-6 does next to
    nothing to natural images. Directions without variance (always black pixels) are then
    multiplied by up to `1 / regularization`: raise it where test inputs may differ there.

    Args:
        regularization: Number of at least 0, added to the standard deviations. Defaults to
            `1e-6`.
        **kwargs: `name` and `dtype` of the layer. It computes in `float32` whatever its dtype,
            and casts the result.

    Input: `(batch, ...)` of any dtype; output: the same shape, of the layer's compute dtype.

    Raises:
        ValueError: If called before `adapt`, or on another trailing shape than adapted to.

    Example:

    ```python
    import numpy as np
    from keras_vat.data import ZCAWhitening

    x = np.random.default_rng(0).normal(size=(1000, 4, 4, 1)) * 3.0 + 1.0
    whitening = ZCAWhitening()
    whitening.adapt(x)
    white = whitening(x)
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), appendix D.
    """

    def __init__(self, regularization: float = 1e-6, **kwargs):
        # Inputs are not rounded to half precision before the product.
        super().__init__(autocast=False, **kwargs)
        self.regularization = arguments.non_negative("regularization", regularization)
        self._adapted = False

    def build(self, input_shape):
        size = int(np.prod(input_shape[1:]))
        self.input_spec = keras.layers.InputSpec(shape=(None, *input_shape[1:]))
        options = {"initializer": "zeros", "dtype": "float32", "trainable": False}
        self.mean = self.add_weight(name="mean", shape=(size,), autocast=False, **options)
        self.matrix = self.add_weight(name="matrix", shape=(size, size), autocast=False, **options)

    def adapt(self, data: Any) -> None:
        """Sets the mean and the matrix from data, summing up in `float64` chunk by chunk.

        Args:
            data: Array `(rows, ...)`, or a `tf.data.Dataset` of batches `(batch, ...)` or of
                tuples that begin with one, such as `(x, y)`.

        Raises:
            ValueError: If there are no rows, or numbers that are not finite.
        """
        if not is_dataset(data) and np.ndim(data) < 2:
            raise ValueError(
                "`data` must be an array `(rows, ...)` or a `tf.data.Dataset` of batches. "
                f"Received: data of type {type(data).__name__} and shape {np.shape(data)}"
            )
        count, shift = 0, None
        for batch in _chunks(data):
            rows = np.asarray(batch, "float64").reshape(len(batch), -1)
            if not np.isfinite(rows).all():
                raise ValueError("`data` must be finite. Received: data with NaN or infinity")
            if shift is None:
                # Sums are taken around one fixed point near the mean: nothing cancels.
                input_shape, shift = (None, *batch.shape[1:]), rows.mean(axis=0)
                total, products = 0.0, 0.0
            rows = rows - shift  # not in place: the rows may be the caller's
            count += len(rows)
            total += rows.sum(axis=0)
            products += rows.T @ rows
        if count == 0:
            raise ValueError("`data` must have at least one row. Received: data without rows")
        offset = total / count
        variances, basis = np.linalg.eigh(products / count - np.outer(offset, offset))
        deviations = np.sqrt(np.maximum(variances, 0.0)) + self.regularization
        if deviations.min() <= 0.0:
            raise ValueError(
                "`data` must have variance in every direction when `regularization=0`. "
                f"Received: data with shape {input_shape}, regularization={self.regularization}"
            )
        if not self.built:
            self.build(input_shape)
            self.built = True
        self.mean.assign(shift + offset)
        self.matrix.assign((basis / deviations) @ basis.T)
        self._adapted = True

    def call(self, inputs):
        self._check_adapted()
        x = ops.reshape(ops.cast(inputs, "float32"), (-1, self.mean.shape[0]))
        x = ops.matmul(x - self.mean, self.matrix)
        return ops.cast(ops.reshape(x, ops.shape(inputs)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "regularization": self.regularization}

    def _check_adapted(self):
        """Looks at the weights: they may also come from a file or another layer."""
        if not self._adapted:
            # Also while a function or a pipeline is traced.
            matrix = concrete_value(self.matrix)
            if matrix is None:
                return  # Keras had the layer look when it built the step
            self._adapted = bool(np.any(matrix))
        if not self._adapted:
            raise ValueError(
                f"`ZCAWhitening.adapt` must be called before the layer. Received: {self.name} "
                "without a mean and a matrix. Call `adapt(x)` with the training inputs."
            )


def _chunks(data):
    if is_dataset(data):
        for batch in data.as_numpy_iterator():
            yield batch[0] if isinstance(batch, tuple) else batch
    else:
        data = np.asarray(data)
        for start in range(0, len(data), _CHUNK_ROWS):
            yield data[start : start + _CHUNK_ROWS]
