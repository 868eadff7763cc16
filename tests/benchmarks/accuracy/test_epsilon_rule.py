import numpy as np
import pytest

from benchmarks.accuracy import epsilon_rule


def test_a_statistic_that_epsilon_follows_is_found_with_its_share():
    values = np.array([2.0, 30.0, 0.5])
    share, factor = epsilon_rule.rule([(1.0, 1.0), (15.0, 15.0), (0.25, 0.25)], values)
    assert share == pytest.approx(0.5) and factor == pytest.approx(1.0)


def test_the_factor_is_by_how_much_the_worst_suggestion_misses():
    best = np.array([(2.0, 3.0), (8.0, 10.0)])
    share, factor = epsilon_rule.rule(best, np.array([1.0, 1.0]))
    suggested = share * np.ones(2)
    misses = np.maximum(best[:, 0] / suggested, suggested / best[:, 1])
    np.testing.assert_allclose(misses, factor)
    assert factor == pytest.approx((8.0 / 3.0) ** 0.5)


def test_a_share_within_all_ranges_misses_none():
    assert epsilon_rule.rule([(1.0, 3.0), (2.0, 5.0)], np.array([1.0, 1.0]))[1] == 1.0


def test_as_good_as_the_best_is_within_its_standard_error():
    errors = np.array([[9.0, 9.0], [5.0, 7.0], [4.0, 6.0], [6.5, 6.5]])
    assert epsilon_rule.as_good_as_the_best((0.1, 0.2, 0.4, 0.8), errors) == (0.2, 0.4)


def test_statistics_of_the_corners_of_a_rectangle():
    x = np.array([[0.0, 0.0], [0.0, 3.0], [4.0, 0.0], [4.0, 3.0]], "float32")[..., None]
    found = epsilon_rule.statistics(x, np.array([0, 0, 1, 1]))
    assert found["mean norm after centring"] == pytest.approx(2.5)
    assert found["median distance of two examples"] == pytest.approx(4.0)
    assert found["median distance to the nearest of 1,000"] == pytest.approx(3.0)
    assert found["median distance to the nearest of another class"] == pytest.approx(4.0)
    assert found["standard deviation of the first principal component"] == pytest.approx(2.0)
    assert found["standard deviation of an input"] == pytest.approx((6.25 / 2) ** 0.5)
