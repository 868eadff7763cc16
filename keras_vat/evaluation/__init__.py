"""Numbers that say how smooth and robust a classifier is, and how faithful a generator."""

from keras_vat.evaluation.local_distributional_smoothness import local_distributional_smoothness
from keras_vat.evaluation.reconstruction_error import reconstruction_error

__all__ = ["local_distributional_smoothness", "reconstruction_error"]
