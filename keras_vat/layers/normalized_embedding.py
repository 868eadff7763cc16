"""An embedding that can't outgrow epsilon."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vat.arguments import are_whole
from keras_vat.data.elements import inputs_and_labels
from keras_vat.data.is_dataset import is_dataset


@keras.saving.register_keras_serializable(package="keras_vat")
class NormalizedEmbedding(keras.layers.Embedding):
    """A `keras.layers.Embedding` whose numbers have mean 0 and variance 1 over the tokens.

    A perturbation of an embedding has a fixed size, epsilon. An ordinary embedding makes it
    harmless by growing; this one can't.

    Formula, with v_k the row of token k and f_k its frequency, for each of the `output_dim`
    columns:

        v_k -> (v_k - E) / sqrt(Var),  E = sum_j f_j v_j,  Var = sum_j f_j (v_j - E)^2

    E and Var are computed from the rows in each call, and the gradient goes through them.

    Args:
        input_dim: Number of tokens.
        output_dim: Size of an embedding.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: Of the rows before
            they are normalised, as in `keras.layers.Embedding`.
        mask_zero: Whether token 0 is padding. It is masked, and counts in no frequency. Defaults
            to `False`.
        frequencies: How often each token occurs, `(input_dim,)`, counts or shares. `None`
            (default): all alike, until `adapt` counts them.
        weights: Rows to begin with, `(input_dim, output_dim)`.

    Input shape: `(batch, steps)`, or any other shape of token numbers.

    Output shape: that of the input with `output_dim` behind it.

    Raises:
        ValueError: If `frequencies` are of another shape, negative, or zero for all tokens.

    Example:

    >>> embedding = keras_vat.layers.NormalizedEmbedding(10_000, 64, mask_zero=True)
    >>> embedding.adapt(tokens)
    >>> classifier = keras.Sequential(
    ...     [embedding, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)])
    >>> vat = keras_vat.regularizers.VirtualAdversarialTraining(5.0, perturb_at=embedding)

    Reference:
        Miyato, Dai and Goodfellow, Adversarial Training Methods for Semi-Supervised Text
        Classification (arXiv:1605.07725), eq. 1.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        frequencies: Any = None,
        weights=None,
        **kwargs,
    ):
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self._given_frequencies = None
        if frequencies is not None:
            self._given_frequencies = self._checked(frequencies).tolist()
        if weights is not None:
            self.build()
            self._embeddings.assign(weights)

    def build(self, input_shape=None):
        if self.built:
            return
        super().build(input_shape)
        self.frequencies = self.add_weight(
            name="frequencies", shape=(self.input_dim,), dtype="float32", trainable=False
        )
        given = self._given_frequencies
        self._assign(np.ones(self.input_dim) if given is None else given)

    def adapt(self, tokens: Any) -> None:
        """Counts how often each token occurs, anew in each call.

        Args:
            tokens: Token numbers of any shape, ragged or not; or a dataset of batches of them, or
                of tuples that begin with them, such as `(tokens, y)`.

        Raises:
            TypeError: For what is no whole number, such as strings.
            ValueError: For numbers outside of 0 to `input_dim` - 1, and where there are none.
        """
        counts = np.zeros(self.input_dim)
        for batch in _batches(tokens):
            flat = np.asarray(getattr(batch, "flat_values", batch)).reshape(-1)
            if flat.dtype.kind not in "biuf" or not are_whole(flat):
                raise TypeError(
                    "`tokens` must be whole numbers, as keras.layers.TextVectorization makes them "
                    f"of texts. Received: tokens of dtype {flat.dtype}"
                )
            if flat.size and (flat.min() < 0 or flat.max() >= self.input_dim):
                raise ValueError(
                    f"`tokens` must be from 0 to {self.input_dim - 1}, below `input_dim`. "
                    f"Received: tokens from {flat.min()} to {flat.max()}"
                )
            counts += np.bincount(flat.astype("int64"), minlength=self.input_dim)
        self.build()
        self._assign(counts, "tokens")

    def call(self, inputs):
        tokens = ops.cast(inputs, "int32")
        wide = "float64" if self.variable_dtype == "float64" else "float32"
        rows, shares = ops.cast(self.embeddings, wide), ops.cast(self.frequencies, wide)[:, None]
        mean = ops.sum(shares * rows, axis=0)
        variance = ops.sum(shares * ops.square(rows - mean), axis=0)
        deviation = ops.sqrt(ops.maximum(variance, keras.config.epsilon() ** 2))
        # Rows are picked first: the others need not be normalised.
        outputs = (ops.take(rows, tokens, axis=0) - mean) / deviation
        return ops.cast(outputs, self.compute_dtype)

    def quantize(self, mode=None, **kwargs):
        """Not supported: whole numbers of 8 bits have no mean 0 and variance 1."""
        raise NotImplementedError("`NormalizedEmbedding` can't be quantized.")

    @property
    def variable_serialization_spec(self):
        """What a file holds, in order, as Keras's embeddings say it; there is no quantized form."""
        return {None: ["embeddings", "frequencies"]}

    def get_config(self):
        config = super().get_config()
        if self._given_frequencies is not None:
            config["frequencies"] = self._given_frequencies
        return config

    def _assign(self, counts, name="frequencies"):
        counts = self._checked(counts, name)
        self.frequencies.assign(counts / counts.sum())

    def _checked(self, counts, name="frequencies"):
        """Counts of the tokens that count, an array; raises unless there are some."""
        counts = np.array(counts, dtype="float64")
        if counts.shape != (self.input_dim,) or not np.isfinite(counts).all() or counts.min() < 0:
            raise ValueError(
                f"`{name}` must be {self.input_dim} numbers of at least 0, one for each token. "
                f"Received: an array of shape {counts.shape}"
            )
        if self.mask_zero:
            counts[0] = 0.0
        if not counts.any():
            raise ValueError(
                f"`{name}` must have at least one token that is no padding. Received: {name} "
                "without any"
            )
        return counts


def _batches(tokens):
    if not is_dataset(tokens):
        yield tokens if hasattr(tokens, "flat_values") else _flat(tokens)
        return
    for element in tokens:
        yield inputs_and_labels(element)[0]


def _flat(tokens):
    """Rows of tokens that may differ in length, one behind the other."""
    if isinstance(tokens, (list, tuple)) and any(np.ndim(row) for row in tokens):
        return np.concatenate([np.asarray(row).reshape(-1) for row in tokens])
    return tokens
