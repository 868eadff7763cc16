"""The smallest steps of differences that a classifier's arithmetic can resolve."""

import keras
from keras import ops

from keras_vat.forward import norms
from keras_vat.forward.perturbable import Perturbable
from keras_vat.keras_internals import sublayers

# As shares of the root mean square norm of the inputs, measured by
# benchmarks/accuracy/perturbation_quality.py.
SHARES = {"float64": 1e-5, "float32": 1e-2, "bfloat16": 1e-1, "float16": 1e-1}


def smallest_step(models, x, coordinates):
    """The step of u for a batch, a scalar tensor; without a scale in the units of the inputs.

    In the units of a scale, inputs may be far from zero and close to each other, as years are. No
    coordinate then counts for more than one unit.

    Args:
        models: The layers and models that the batch goes through.
        x: Structure of tensors `(batch, ...)`.
        coordinates: The `Coordinates` of the perturbation.
    """
    share = max(coarsest_share(model) for model in models)
    parts = Perturbable(x).parts
    size = norms.root_mean_square(coordinates.unscaled(x, parts))
    if coordinates.scale is not None:
        units = coordinates.allowed(x, [ops.ones_like(part) for part in parts])
        size = ops.minimum(size, norms.root_mean_square(units))
    return share * size


def coarsest_share(model):
    """That of the coarsest dtype that any of a model's layers computes in.

    Functional and Sequential models have a dtype as well, but leave computing to their layers.
    """
    layers = [
        layer
        for layer in sublayers(model)
        if not isinstance(layer, keras.layers.InputLayer)
        and not (isinstance(layer, keras.Model) and getattr(layer, "inputs", None))
    ]
    dtypes = [keras.backend.standardize_dtype(layer.compute_dtype) for layer in layers or [model]]
    return max(SHARES.get(dtype, SHARES["float32"]) for dtype in dtypes)
