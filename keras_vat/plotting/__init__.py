"""Pictures of what the evaluations measure; matplotlib is imported only when one is drawn."""

from keras_vat.plotting.plot_bad_samples import plot_bad_samples
from keras_vat.plotting.plot_decision_boundary import plot_decision_boundary
from keras_vat.plotting.plot_movement_field import plot_movement_field
from keras_vat.plotting.plot_perturbed_images import plot_perturbed_images
from keras_vat.plotting.plot_reconstruction_error import plot_reconstruction_error
from keras_vat.plotting.plot_reconstructions import plot_reconstructions
from keras_vat.plotting.plot_training_curves import plot_training_curves

__all__ = [
    "plot_bad_samples",
    "plot_decision_boundary",
    "plot_movement_field",
    "plot_perturbed_images",
    "plot_reconstruction_error",
    "plot_reconstructions",
    "plot_training_curves",
]
