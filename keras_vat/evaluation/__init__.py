"""Numbers that say how smooth and robust a classifier is."""

from keras_vat.evaluation.local_distributional_smoothness import local_distributional_smoothness

__all__ = ["local_distributional_smoothness"]
