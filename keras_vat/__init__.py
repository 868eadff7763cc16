"""Virtual adversarial training and its family for Keras."""

from keras_vat import (
    callbacks,
    classifiers,
    data,
    divergences,
    evaluation,
    generators,
    layers,
    movement_fields,
    optimizers,
    perturbations,
    plotting,
    regularizers,
)
from keras_vat.data import SemiSupervisedInputs
from keras_vat.forward import Forward
from keras_vat.serving import export_for_serving
from keras_vat.vat_model import VATModel
from keras_vat.version import __version__

__all__ = [
    "Forward",
    "SemiSupervisedInputs",
    "VATModel",
    "__version__",
    "callbacks",
    "classifiers",
    "data",
    "divergences",
    "evaluation",
    "export_for_serving",
    "generators",
    "layers",
    "movement_fields",
    "optimizers",
    "perturbations",
    "plotting",
    "regularizers",
]


def __dir__():
    return __all__
