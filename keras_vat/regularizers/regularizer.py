"""What all methods have in common: a weight, a penalty and a name."""

from typing import Any

import keras
from keras import ops

from keras_vat import arguments
from keras_vat.forward import Forward
from keras_vat.forward.perturbable import as_tensors
from keras_vat.shown_arguments import ShownArguments


class Regularizer(ShownArguments, keras.layers.Layer):
    """Base class: a penalty that `VATModel` adds to the compiled loss, times `weight`.

    A method of your own is one class: it implements `per_example`, sets `requires_labels` if it
    needs labels, adds its arguments to `get_config`, and is decorated with `register`. What it has
    to work with is the `Forward` of the step: `forward.clean(x)` is the clean pass (`.logits`, and
    `.target`, the same without gradient; `.distribution` for divergences; `.vjp` and `.jvp` for
    derivatives with respect to the inputs), `forward.logits(x)` another pass. A number for the logs
    is handed on by `self.note(forward, metric, value)`, with a metric that the regularizer owns.

    A penalty is a mean over examples and, where an example has several labels or positions, a mean
    over those that count (no padding), as Keras's losses are. By sample weights: a method that uses
    labels multiplies each row by its weight and divides by the number of all rows, as Keras's
    losses do; a method without labels takes the mean over the rows whose weight is not 0.

    Args:
        weight: Factor of the penalty, a number of at least 0 (the papers' alpha).
        name: Name in the logs; `None`: the registered name.
        seed: Integer, or `None`: drawn from Keras's global seed.

    Example:

    >>> @keras_vat.regularizers.register("mirror")
    ... class MirrorConsistency(keras_vat.regularizers.Regularizer):
    ...     def __init__(self, axis=2, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.axis = axis
    ...
    ...     def per_example(self, forward, x, y):
    ...         clean = forward.clean(x)
    ...         mirrored = forward.logits(keras.ops.flip(x, self.axis))
    ...         return clean.distribution.kl(clean.target, mirrored)
    ...
    ...     def get_config(self):
    ...         return {**super().get_config(), "axis": self.axis}
    >>> model = keras_vat.VATModel(classifier, MirrorConsistency(weight=0.5))
    """

    registered_name = None
    """Name for `get`, set by `register`, and the default name in the logs."""

    requires_labels = False
    """Whether the method needs labels; in semi-supervised batches it then sees labelled rows."""

    places = ()
    """Names of the layers whose outputs it perturbs, which the step's clean passes then note."""

    is_in_units_of_inputs = False
    """Whether it has an epsilon that is a distance between inputs as they are given."""

    always_shown = ("weight",)

    limits_inputs = False
    """Whether `check_inputs` wants to see the first batch of a training, outside of the step."""

    def __init__(self, weight: float = 1.0, name: str | None = None, seed: int | None = None):
        super().__init__(
            name=name or self.registered_name, dtype="float32", autocast=False, trainable=False
        )
        self._config = {
            "weight": arguments.non_negative("weight", weight),
            "seed": arguments.seed(seed),
        }
        self._weight = self.add_weight(
            name="weight",
            shape=(),
            initializer=keras.initializers.Constant(weight),
            trainable=False,
        )
        self.built = True

    @property
    def weight(self) -> Any:
        """Factor of the penalty, a variable: assign it and a compiled fit follows."""
        return self._weight

    @weight.setter
    def weight(self, value):
        self._weight.assign(arguments.non_negative("weight", value))

    def penalty(
        self,
        classifier: Any,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        training: bool = False,
    ) -> Any:
        """The unweighted penalty of a batch.

        It changes no metric and nothing of the classifier; what a method draws at random moves on.

        Args:
            classifier: A built Keras model, a `VATModel`, or a `Forward`, which says how the
                classifier is to be run.
            x: Inputs, `(batch, ...)`, or a structure of them.
            y: Labels, needed where `requires_labels`.
            sample_weight: Weights of the rows, `(batch,)`, or of their positions. Those of weight 0
                count in no penalty.
            training: Whether the classifier is run as in a training step. Defaults to `False`: as
                at inference.

        Returns:
            Scalar tensor, the mean over the batch.
        """
        self.check_labels(y)
        forward, x = Forward.of(classifier, training), as_tensors(x)
        forward.weigh(x, sample_weight)
        return self.of_batch(forward, x, forward.labels(x, y))

    def of_batch(self, forward, x, y):
        """The penalty of a batch, a scalar: the mean of `per_example` over the rows that count."""
        values = self.per_example(forward, x, y)
        if len(values.shape) != 1:
            raise ValueError(
                f"`per_example` of '{self.name}' must return one penalty for each row, shape "
                f"`(batch,)`. Received: shape {tuple(values.shape)}"
            )
        mean = forward.weighted_mean if self.uses_labels(y) else forward.mean_over_rows
        return mean(x, values)

    def note(self, forward, metric, value):
        """Hands a number of this batch on to a metric. Only a training step of `fit` takes it in.

        Args:
            forward: The `Forward` of this step.
            metric: One of the `keras.metrics.Mean` that the regularizer has as attributes.
            value: Scalar tensor.
        """
        forward.notes[metric.name] = ops.stop_gradient(value)

    def check_inputs(self, x):
        """Raises for a batch that the method can't work with; called where `limits_inputs`."""

    def uses_labels(self, y):
        """Whether the penalty depends on these labels, so that the rows' weights apply to it."""
        return self.requires_labels

    def check_labels(self, y):
        """Raises where labels are needed and missing."""
        if self.requires_labels and y is None:
            raise ValueError(
                f"`y` is needed by '{self.name}' ({type(self).__name__}), which is defined by the "
                "labels. Received: y=None"
            )

    def per_example(self, forward, x, y):
        """The penalty of every example, shape `(batch,)`.

        Args:
            forward: The `Forward` of this step.
            x: Structure of tensors `(batch, ...)`.
            y: Labels as a tensor, or `None`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `per_example`")

    def get_config(self):
        return {"name": self.name, **self._config}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))
