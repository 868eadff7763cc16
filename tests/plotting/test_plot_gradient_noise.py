import numpy as np
import pytest

from keras_vat.plotting import plot_gradient_noise

NOISE = [{0: 3.0, 1: 1.0}, {0: 2.5, 1: 1.5}, {0: 2.0, 1: 1.75}]


def test_one_measurement_is_drawn_as_bars(ax):
    assert plot_gradient_noise({0: 3.0, 1: 1.5, "S = 9": 1.0}, ax=ax) is ax
    assert [bar.get_height() for bar in ax.patches] == [3.0, 1.5, 1.0]
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert names == ["K = 0 (random)", "K = 1 (virtual adversarial)", "S = 9"]
    assert [text.get_text() for text in ax.texts] == ["3", "1.5", "1"]
    assert ax.get_ylabel() == "normalised SD norm of the gradient"


def test_infinite_noise_is_said(ax):
    plot_gradient_noise({0: float("inf"), 1: 2.0}, ax=ax)
    assert [bar.get_height() for bar in ax.patches] == [0.0, 2.0]
    assert [text.get_text() for text in ax.texts] == ["∞", "2"]


def test_several_are_drawn_as_curves(ax):
    plot_gradient_noise(NOISE, at=[0, 100, 200], unit="update", ax=ax)
    random, virtual = ax.get_lines()
    np.testing.assert_array_equal(random.get_xydata(), [[0, 3.0], [100, 2.5], [200, 2.0]])
    np.testing.assert_array_equal(virtual.get_ydata(), [1.0, 1.5, 1.75])
    assert ax.get_xlabel() == "update" and ax.get_ylim()[0] == 0
    assert random.get_marker() != virtual.get_marker()


def test_epochs_are_counted_from_one(ax):
    plot_gradient_noise([{2: 1.0}, {2: 0.5}], ax=ax)
    np.testing.assert_array_equal(ax.get_lines()[0].get_xdata(), [1, 2])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["K = 2"]


def test_draws_a_new_figure_and_renders(tmp_path):
    plot_gradient_noise(NOISE).figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": []}, r"`noise` must be what `gradient_noise` returned.* Received: noise=\[\]"),
        ({"noise": [{0: 1.0}, {1: 1.0}]}, r"with the same keys. Received: noise=\[\{0"),
        ({"at": [1, 2]}, r"for each of the 3 measurements, ascending. Received: at=\[1, 2\]"),
        ({"at": [1, 3, 2]}, r"ascending. Received: at=\[1, 3, 2\]"),
        ({"noise": {"loss": [1.0, 2.0]}}, "one number for each penalty"),
    ],
)
def test_refuses_what_can_not_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_gradient_noise(**{"noise": NOISE, **arguments})
