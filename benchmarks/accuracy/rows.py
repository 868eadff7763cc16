"""What a row of a paper's table is made of; the tables themselves are in `tables/`."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras

from keras_vat.classifiers.training_settings import TrainingSettings
from keras_vat.optimizers import BetaSwitchAdam, ConstantThenLinearDecay, mnist_decay


def adam(settings, updates):
    """Adam with the settings' schedule, in proportion to the number of updates."""
    if settings.decay_start is None:
        schedule = mnist_decay(settings.learning_rate).get_config()
        schedule["decay_steps"] *= updates / settings.num_updates
        rate = keras.optimizers.schedules.ExponentialDecay.from_config(schedule)
        return keras.optimizers.Adam(rate, settings.beta_1)
    switches = settings.decay_beta_1 != settings.beta_1
    return BetaSwitchAdam(
        linear_decay(settings, updates),
        settings.beta_1,
        settings.decay_beta_1,
        switch_step=decay_start(settings, updates) if switches else None,
    )


def momentum(settings, updates):
    """Gradient descent with momentum 0.9."""
    return keras.optimizers.SGD(linear_decay(settings, updates), momentum=0.9)


def linear_decay(settings, updates):
    decay_steps = updates - decay_start(settings, updates)
    if decay_steps == 0:
        return settings.learning_rate
    return ConstantThenLinearDecay(settings.learning_rate, updates, decay_steps)


def decay_start(settings, updates):
    return updates * settings.decay_start // settings.num_updates


def no_callbacks(**_):
    return []


@dataclass(frozen=True)
class Row:
    """One row of a paper's table: a method in a setting.

    Args:
        settings: What it is trained with.
        classifier: Function of the settings and the hyper-parameters: a Keras model.
        regularizers: Function of the hyper-parameters: a list of regularizers.
        grid: Dictionaries of hyper-parameters, all with the same keys, to choose from on
            validation data. The middle one is taken as long as none was chosen.
        papers: Table of a paper -> its test error in %.
        optimizer: Function of the settings and the number of updates.
        callbacks: Function of `epochs`, `updates` and the hyper-parameters: the callbacks of one
            training.
        reestimate: Whether the moving averages of batch normalisation are estimated anew before
            the errors are measured, as the VAT authors do.
    """

    settings: TrainingSettings
    classifier: Callable
    regularizers: Callable
    grid: tuple
    papers: dict = field(default_factory=dict)
    optimizer: Callable = adam
    callbacks: Callable = no_callbacks
    reestimate: bool = True

    @property
    def names(self):
        """Names of the hyper-parameters."""
        return tuple(self.grid[0])


@dataclass(frozen=True)
class Table:
    """A paper's table, or what several papers' tables say about one data set.

    Args:
        dataset: Name for `keras_vat.data.load`, or "sine_waves".
        rows: Method and setting, as the command line has it -> `Row`.
        validation_rows: Training images on which hyper-parameters are chosen. They never train
            a semi-supervised classifier; supervised ones are trained on all images by `run`.
        evaluate_every: Updates of an epoch: from one point of the curve of test errors to the
            next.
        seeds, tune_seeds: Of `run` and of `tune`, if the command names none.
        target_error: Test error in % of which the report says in which epoch it was reached.
    """

    dataset: str
    rows: dict
    validation_rows: int = 1000
    evaluate_every: int = 1000
    seeds: tuple = (0, 1, 2)
    tune_seeds: tuple = (1000,)
    target_error: float | None = None

    def updates(self, method, wanted=None, scale=1.0):
        """`wanted` updates, or a share of the paper's, down to a whole number of epochs."""
        updates = wanted or max(1, round(scale * self.rows[method].settings.num_updates))
        return updates - updates % self.evaluate_every or updates
