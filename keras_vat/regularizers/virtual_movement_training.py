"""Virtual movement training (anonymous authors, 2018)."""

import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vat import arguments, movement_fields
from keras_vat.autodiff.replica_seed_generator import ReplicaSeedGenerator
from keras_vat.divergences.output_mask import sum_per_example
from keras_vat.forward import Forward, norms
from keras_vat.forward.perturbable import as_tensors
from keras_vat.movement_fields.lattice import Lattice
from keras_vat.movement_fields.steepest import steepest_curvature, steepest_slope
from keras_vat.regularizers.registry import register
from keras_vat.regularizers.regularizer import Regularizer

COMBINATIONS = ("random", "mean")
FORMS = ("auto", "loss", "fisher")
DATA_FORMATS = ("channels_last", "channels_first")


@register("vmt", package="keras_vat")
class VirtualMovementTraining(Regularizer):
    """Virtual movement training: insensitive to small shifts, rotations and scalings.

    For every example and every family of movement fields it finds the field that changes the loss
    fastest, in closed form, and penalises that speed. The movement is infinitely small: no moved
    input is ever built, and the step needs no further forward pass.

    Formula, with I the example, V a field of mean squared length 1, g the gradient dL/dI of the
    compiled loss of that example:

        dI = sum_j V_j dI/dp_j                                   the change of the input, dI/dp_j
                                                                 by central differences, at the
                                                                 two ends by one-sided ones
        R = max over V of |g^T dI| / ||g||_2                     with labels
        R = max over V of sqrt(dI^T J^T G J dI)                  without
        penalty = mean over the batch of sum_f w_f R_f / sum_f w_f

    The first form is the paper's; its gradient flows through g (double backpropagation). The second
    is this package's own extension to examples without labels: J is the Jacobian of the logits
    and G the output's Fisher information, diag(p) - p p^T for a softmax, so that R^2 / 2 is the
    Kullback-Leibler divergence for each squared unit of movement, like this a mean over labels and
    positions.

    Args:
        fields: Names (`"shift"`, `"rotation"`, `"scale"`) or objects of
            `keras_vat.movement_fields.MovementField`, or one of either. Those that have no member
            on the inputs' lattice, as rotations of signals, are left out with a warning. Inputs
            `(batch, n, channels)` are signals, `(batch, height, width, channels)` images; of
            several inputs those that lie on no lattice stay as they are.
        combination: `"random"`: w drawn from U(0, 1) for each batch (eq. 23); `"mean"`: equal
            weights. Without effect for a single field.
        form: `"auto"`: by the loss where there are labels, by the Fisher information where there
            are none, as for the unlabelled batch of a semi-supervised step, which then is the only
            one that is penalised; `"loss"` or `"fisher"`: always so. `"loss"` needs labels, and
            takes the labelled batch of a semi-supervised step.
        data_format: `"channels_last"` or `"channels_first"`; `None`: Keras's setting.
        weight: Factor of the penalty: the paper's lambda, searched over 0.005 to 5.
        name: Name in the logs.
        seed: Integer or `None`.

    Raises:
        ValueError: for inputs that do not lie on a lattice, and where no field is left.

    Example:

    >>> model = keras_vat.VATModel(
    ...     classifier, keras_vat.regularizers.VirtualMovementTraining(fields="shift", weight=0.1))

    Reference:
        "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous, 2018),
        eq. 8 to 16 and 23.
    """

    def __init__(
        self,
        fields: Any = ("shift", "rotation", "scale"),
        combination: str = "random",
        form: str = "auto",
        data_format: str | None = None,
        weight: float = 1.0,
        name: str | None = None,
        seed: int | None = None,
    ):
        super().__init__(weight=weight, name=name, seed=seed)
        self._fields = read_fields(fields)
        self._config = {
            "combination": arguments.one_of("combination", combination, COMBINATIONS),
            "form": arguments.one_of("form", form, FORMS),
            "data_format": arguments.one_of(
                "data_format", data_format or keras.config.image_data_format(), DATA_FORMATS
            ),
            **self._config,
        }
        self.requires_labels = form == "loss"
        self.seed_generator = ReplicaSeedGenerator(self._config["seed"])

    def uses_labels(self, y):
        return y is not None and self._config["form"] != "fisher"

    def per_example(self, forward, x, y):
        found = self._steepest(forward, x, y)
        values = ops.stack([value for _, value, _ in found], axis=-1)
        if len(found) == 1 or self._config["combination"] == "mean":
            return ops.mean(values, axis=-1)
        weights = keras.random.uniform((len(found),), seed=self.seed_generator)
        weights = ops.cast(weights / ops.sum(weights), values.dtype)
        return ops.sum(weights * values, axis=-1)

    def movement(self, classifier: Any, x: Any, y: Any = None) -> Any:
        """The adversarial movement fields of a batch.

        Args:
            classifier, x, y: As in `penalty`.

        Returns:
            Dictionary from each field's name to `(value, V)`: the sensitivity R, `(batch,)`, and
            the field that has it, `(batch, *lattice, axes)`, in lattice steps, of mean squared
            length 1.
        """
        self.check_labels(y)
        forward, x = Forward.of(classifier), as_tensors(x)
        found = self._steepest(forward, x, forward.labels(x, y))
        return {
            name: (value, ops.tensordot(phi, ops.cast(basis, phi.dtype), axes=1))
            for (name, basis), value, phi in found
        }

    def _steepest(self, forward, x, y):
        """For every field `((name, basis), R, phi)`."""
        lattice = Lattice(x, self._config["data_format"])
        bases = self._bases(lattice.shape)
        directions = np.concatenate([basis for _, basis in bases])
        ends = np.cumsum([0, *(len(basis) for _, basis in bases)])
        places = [slice(*pair) for pair in zip(ends[:-1], ends[1:], strict=True)]
        if self.uses_labels(y):
            gradient = norms.unit(forward.loss_gradient(x, y))
            slopes = self._slopes(lattice, directions, gradient)
            found = [steepest_slope(slopes[:, place]) for place in places]
        else:
            clean = forward.clean(x)
            tangents = [clean.jvp(lattice.change(direction)) for direction in directions]
            found = [
                steepest_curvature(self._curvature(clean, tangents[place])) for place in places
            ]
        return [(base, *pair) for base, pair in zip(bases, found, strict=True)]

    def _bases(self, lattice):
        """`(name, basis)` of every field that has a member on a lattice."""
        bases = [(field.name, field.basis(lattice)) for field in self._fields]
        left_out = [name for name, basis in bases if not len(basis)]
        if left_out:
            kept = [name for name, basis in bases if len(basis)]
            message = (
                f"`fields` must have a member on the inputs' lattice, read as {lattice}, whose "
                f"`directions` there are not all zero; {left_out} have none"
                + (f" and are left out: say fields={kept}" if kept else "")
                + (
                    ". A batch `(batch, n, channels)` is read as a signal; give images a channel "
                    "axis, `x[..., None]`"
                    if len(lattice) == 1
                    else ""
                )
                + f". Received: fields={[field.name for field in self._fields]}"
            )
            if not kept:
                raise ValueError(message)
            warnings.warn(message, stacklevel=2)
        return [(name, basis) for name, basis in bases if len(basis)]

    @staticmethod
    def _slopes(lattice, directions, gradient):
        """The unit gradient's slope along every direction, `(batch, directions)`."""
        slopes = lattice.slopes(gradient)
        return ops.tensordot(
            slopes,
            ops.cast(np.moveaxis(directions, 0, -1), slopes.dtype),
            axes=len(directions.shape) - 1,
        )

    @staticmethod
    def _curvature(clean, tangents):
        """The Fisher form of every pair of tangents, `(batch, directions, directions)`."""
        curved = [clean.distribution.fisher_product(clean.logits, tangent) for tangent in tangents]
        products = [[sum_per_example(a * b) for b in curved] for a in tangents]
        return ops.stack([ops.stack(row, axis=-1) for row in products], axis=-2)

    def get_config(self):
        fields = [
            field.name
            if type(field) in movement_fields.FIELDS.values()
            else keras.saving.serialize_keras_object(field)
            for field in self._fields
        ]
        return {"fields": fields, **super().get_config()}


def read_fields(fields):
    """A list of fields from names, objects, or one of either."""
    if isinstance(fields, (str, movement_fields.MovementField)):
        fields = [fields]
    if not isinstance(fields, (list, tuple)):
        raise TypeError(
            "`fields` must be a name, a MovementField, or a list of them. "
            f"Received: fields={fields!r} (of type {type(fields).__name__})"
        )
    found = [movement_fields.get(field) for field in fields]
    names = [field.name for field in found]
    if not found or len(set(names)) < len(names):
        raise ValueError(
            "`fields` must hold at least one field, each with a `name` of its own (override the "
            "property where two fields are of one class). "
            f"Received: fields={fields!r}, whose names are {names}"
        )
    return found
