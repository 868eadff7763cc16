"""Virtual adversarial training and its family for Keras."""

import importlib

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


def __getattr__(name):
    if name == "wrappers":  # needs scikit-learn, which nothing else does
        return importlib.import_module("keras_vat.wrappers")
    raise AttributeError(f"module 'keras_vat' has no attribute {name!r}")


def __dir__():
    return [*__all__, "wrappers"]
