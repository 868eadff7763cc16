"""The learning rates of trainings that are shorter than the papers'."""

import pytest

from benchmarks.accuracy.rows import adam, momentum
from keras_vat.classifiers import published_settings


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_exponential_decay_is_compressed(scale):
    settings = published_settings.MNIST_SUPERVISED
    rate = adam(settings, int(60_000 * scale))._learning_rate
    for update, power in ((0, 0), (590, 0), (600, 1), (59_990, 99)):
        assert float(rate(update * scale)) == pytest.approx(0.002 * 0.9**power)


@pytest.mark.parametrize("updates", [200_000, 2000])
def test_linear_decay_and_the_switch_of_beta_begin_in_proportion(updates):
    optimizer = adam(published_settings.CIFAR10, updates)
    rate = optimizer._learning_rate
    begin = updates * 184 // 200
    assert float(rate(begin)) == pytest.approx(0.001)
    assert float(rate((begin + updates) // 2)) == pytest.approx(0.0005)
    assert float(rate(updates)) == 0.0
    assert (optimizer.switch_step, optimizer.beta_1, optimizer.decay_beta_1) == (begin, 0.9, 0.5)


def test_beta_that_does_not_change_is_not_switched():
    assert adam(published_settings.MNIST_100_LABELS, 1000).switch_step is None


def test_rates_without_decay_stay():
    assert float(adam(published_settings.SINE_WAVES, 100).learning_rate) == pytest.approx(0.001)


def test_momentum_decays_too():
    optimizer = momentum(published_settings.CIFAR10_MOVEMENT, 400)
    assert optimizer.momentum == 0.9
    assert float(optimizer._learning_rate(300)) == pytest.approx(0.05)


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_few_updates_have_a_decay_too(updates):
    rate = adam(published_settings.CIFAR10, updates)._learning_rate
    assert float(rate(0)) == pytest.approx(0.001)
    assert float(rate(updates)) == 0.0
