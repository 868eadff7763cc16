import dataclasses

import pytest

from keras_vat import regularizers
from keras_vat.classifiers import mnist_mlp, published_settings
from keras_vat.classifiers.training_settings import TrainingSettings
from keras_vat.data import augmentation
from keras_vat.optimizers import BetaSwitchAdam, ConstantThenLinearDecay

ALL = {
    name: value
    for name, value in vars(published_settings).items()
    if isinstance(value, TrainingSettings)
}


@pytest.mark.parametrize(
    ("name", "updates", "decay_steps", "batches", "labels", "epsilon"),
    [
        ("MNIST_SUPERVISED", 60_000, None, (100, None), None, 2.0),
        ("MNIST_100_LABELS", 100_000, 50_000, (64, 256), 100, 5.0),
        ("MNIST_20_LABELS", 100_000, 50_000, (20, 256), 20, 5.0),
        ("MNIST_1000_LABELS", 100_000, 50_000, (64, 256), 1000, 5.0),
        ("SVHN", 48_000, 16_000, (32, 128), 1000, 2.5),
        ("SVHN_500_LABELS", 48_000, 16_000, (32, 128), 500, 2.5),
        ("SVHN_AUGMENTED", 48_000, 16_000, (32, 128), 1000, 3.5),
        ("CIFAR10", 200_000, 16_000, (32, 128), 4000, 10.0),
        ("CIFAR10_1000_LABELS", 200_000, 16_000, (32, 128), 1000, 10.0),
        ("CIFAR10_AUGMENTED", 200_000, 16_000, (32, 128), 4000, 8.0),
        ("CIFAR10_SUPERVISED", 150_000, 75_000, (100, None), None, 8.0),
        ("CIFAR10_MOVEMENT", 40_000, 20_000, (100, None), None, 1.0),
        ("SINE_WAVES", 5_000, 0, (20, None), None, 0.05),
    ],
)
def test_settings_are_those_of_the_appendices(name, updates, decay_steps, batches, labels, epsilon):
    settings = ALL[name]
    assert (settings.num_updates, settings.decay_steps) == (updates, decay_steps)
    assert (settings.labeled_batch_size, settings.unlabeled_batch_size) == batches
    assert (settings.num_labels, settings.epsilon) == (labels, epsilon)


def test_every_setting_is_checked_above():
    assert len(ALL) == 13


@pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
def test_settings_fit_the_packages_functions(settings):
    mnist_mlp(noise=settings.noise)
    if settings.augmentation is not None:
        augmentation(settings.augmentation)
    if settings.decay_steps:
        rate = ConstantThenLinearDecay(
            settings.learning_rate, settings.num_updates, settings.decay_steps
        )
        BetaSwitchAdam(rate, settings.beta_1, settings.decay_beta_1, settings.decay_start)
        assert float(rate(settings.decay_start)) == pytest.approx(settings.learning_rate)
        assert float(rate(settings.decay_start + 1)) < settings.learning_rate


def test_fat_takes_its_published_arguments():
    fat = regularizers.get("fat", **published_settings.FAT_MNIST)
    assert (float(fat.radius), float(fat.threshold)) == pytest.approx((2.0, 0.01))


def test_settings_can_not_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        published_settings.SVHN.epsilon = 1.0
