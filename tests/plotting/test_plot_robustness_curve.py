import numpy as np
import pytest
from matplotlib.colors import to_rgb

from keras_vat.evaluation import RobustnessCurve
from keras_vat.plotting import plot_robustness_curve
from keras_vat.plotting.palette import CATEGORIES

ERRORS = np.random.default_rng(0).uniform(size=(2, 2, 3))


def curve(epsilons=(0.1, 1.0, 10.0)):
    nothing = [None] * 4
    return RobustnessCurve(["VAT", "plain"], np.array(epsilons), ERRORS, 9, *nothing)


def drawn(ax):
    return [line for line in ax.get_lines() if len(line.get_xdata())]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_every_classifier_on_every_classifiers_examples(ax):
    assert plot_robustness_curve(curve(), ax=ax) is ax
    assert len(drawn(ax)) == 4
    for line, (i, j) in zip(drawn(ax), np.ndindex(2, 2), strict=True):
        np.testing.assert_allclose(line.get_xdata(), [0.1, 1.0, 10.0])
        np.testing.assert_allclose(line.get_ydata(), 100 * ERRORS[i, j])
        assert to_rgb(line.get_color()) == to_rgb(CATEGORIES[j])
        assert line.get_linestyle() == ("-", "--")[i]
    assert legend(ax) == [
        "classified by VAT",
        "classified by plain",
        "examples of VAT",
        "examples of plain",
    ]
    assert ax.get_legend().get_title().get_text() == "of all 9 images"
    assert ax.get_xscale() == "log" and ax.get_ylabel() == "misclassified, %"


def test_one_source_as_in_a_panel_of_the_paper(ax):
    plot_robustness_curve(curve(), "plain", ax=ax)
    np.testing.assert_allclose([line.get_ydata() for line in drawn(ax)], 100 * ERRORS[1])
    assert {line.get_linestyle() for line in drawn(ax)} == {"-"}
    assert legend(ax) == ["classified by VAT", "classified by plain"]


def test_says_which_images_count(ax):
    plot_robustness_curve(curve()._replace(correct_only=True), "plain", ax=ax)
    title = ax.get_legend().get_title().get_text()
    assert title == "of the 9 images that all classify correctly"


@pytest.mark.parametrize("epsilons", [(0.0, 1.0, 20.0), (1.0, 2.0, 3.0)])
def test_zero_and_narrow_ranges_have_a_linear_axis(epsilons, ax):
    plot_robustness_curve(curve(epsilons), ax=ax)
    assert ax.get_xscale() == "linear"


def test_draws_a_new_figure_and_renders(tmp_path):
    plot_robustness_curve(curve()).figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_refuses_an_unknown_source():
    with pytest.raises(ValueError, match=r"among the classifiers: \['VAT', 'plain'\]. Received: s"):
        plot_robustness_curve(curve(), "other")
