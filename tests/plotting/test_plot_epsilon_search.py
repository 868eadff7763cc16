import types

import numpy as np
import pytest

from keras_vat.plotting import plot_epsilon_search


def search(**results):
    """What a fitted search of scikit-learn shows."""
    masked = {name: np.ma.array(values, dtype=object) for name, values in results.items()}
    scores = {name: np.array(results[name]) for name in results if not name.startswith("param_")}
    return types.SimpleNamespace(cv_results_={**masked, **scores})


def test_curve_band_and_best(ax):
    fitted = search(
        param_vatclassifier__epsilon=[1.0, 0.1, 10.0],
        mean_test_score=[0.9, 0.6, 0.7],
        std_test_score=[0.05, 0.1, 0.2],
    )
    assert plot_epsilon_search(fitted, ax=ax) is ax
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[0.1, 0.6], [1.0, 0.9], [10.0, 0.7]])
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(0.5) and band[:, 1].max() == pytest.approx(0.95)
    assert ax.get_legend().get_texts()[0].get_text() == "best: 1"
    assert ax.get_xscale() == "log"


def test_of_equally_good_ones_the_best_is_the_searchs_own(ax):
    fitted = search(
        param_epsilon=[1.0, 0.1, 10.0],
        mean_test_score=[0.9, 0.9, 0.7],
        std_test_score=[0.0, 0.0, 0.0],
    )
    plot_epsilon_search(fitted, ax=ax)
    assert ax.get_legend().get_texts()[0].get_text() == "best: 1"


def test_other_parameters_are_at_their_best(ax):
    fitted = search(
        param_epsilon=[1.0, 1.0, 2.0, 2.0],
        param_weight=[0.5, 1.0, 0.5, 1.0],
        mean_test_score=[0.3, 0.4, 0.6, 0.5],
        std_test_score=[0.0, 0.0, 0.0, 0.0],
    )
    plot_epsilon_search(fitted, ax=ax)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1.0, 0.4], [2.0, 0.6]])
    assert ax.get_xscale() == "linear"


def test_of_a_real_search_renders(tmp_path):
    from sklearn.dummy import DummyClassifier
    from sklearn.model_selection import GridSearchCV

    class Estimator(DummyClassifier):
        def __init__(self, epsilon=1.0):
            super().__init__()
            self.epsilon = epsilon

    fitted = GridSearchCV(Estimator(), {"epsilon": [0.1, 1.0, 10.0]}, cv=2)
    ax = plot_epsilon_search(fitted.fit(np.zeros((8, 1)), np.arange(8) % 2))
    ax.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


SCORES = {"mean_test_score": [0.5], "std_test_score": [0.1]}


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (None, TypeError, "`search` must be a GridSearchCV .* been fitted. Received: search=None"),
        (search(param_weight=[1.0], **SCORES), ValueError, r"search over \['weight'\]"),
        (
            search(param_a__epsilon=[1.0], param_b__epsilon=[1.0], **SCORES),
            ValueError,
            r"search over \['a__epsilon', 'b__epsilon'\]",
        ),
        (
            search(param_epsilon=[1.0], mean_test_accuracy=[0.5]),
            ValueError,
            r"one score; .* Received: scores \['mean_test_accuracy'\]",
        ),
    ],
)
def test_refuses_what_can_not_be_drawn(given, error, message):
    with pytest.raises(error, match=message):
        plot_epsilon_search(given)
