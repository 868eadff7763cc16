import pytest

from keras_vat.optimizers import mnist_decay


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.002), (599, 0.002), (600, 0.0018), (1200, 0.002 * 0.81), (60_000, 0.002 * 0.9**100)],
)
def test_falls_by_a_tenth_every_600_updates(step, rate):
    assert float(mnist_decay()(step)) == pytest.approx(rate, rel=1e-4)


def test_starts_at_the_given_rate():
    assert float(mnist_decay(0.01)(0)) == pytest.approx(0.01)
