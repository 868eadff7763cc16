"""Pictures of what the evaluations measure; matplotlib is imported only when one is drawn."""

from keras_vat.plotting.plot_bad_samples import plot_bad_samples
from keras_vat.plotting.plot_decision_boundary import plot_decision_boundary
from keras_vat.plotting.plot_epsilon_search import plot_epsilon_search
from keras_vat.plotting.plot_gradient_noise import plot_gradient_noise
from keras_vat.plotting.plot_local_distributional_smoothness import (
    plot_local_distributional_smoothness,
)
from keras_vat.plotting.plot_movement_field import plot_movement_field
from keras_vat.plotting.plot_perturbation_statistics import plot_perturbation_statistics
from keras_vat.plotting.plot_perturbed_images import plot_perturbed_images
from keras_vat.plotting.plot_reconstruction_error import plot_reconstruction_error
from keras_vat.plotting.plot_reconstructions import plot_reconstructions
from keras_vat.plotting.plot_robustness_curve import plot_robustness_curve
from keras_vat.plotting.plot_robustness_examples import plot_robustness_examples
from keras_vat.plotting.plot_training_curves import plot_training_curves

__all__ = [
    "plot_bad_samples",
    "plot_decision_boundary",
    "plot_epsilon_search",
    "plot_gradient_noise",
    "plot_local_distributional_smoothness",
    "plot_movement_field",
    "plot_perturbation_statistics",
    "plot_perturbed_images",
    "plot_reconstruction_error",
    "plot_reconstructions",
    "plot_robustness_curve",
    "plot_robustness_examples",
    "plot_training_curves",
]


def __dir__():
    return __all__
