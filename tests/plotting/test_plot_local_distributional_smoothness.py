import numpy as np
import pytest

from keras_vat.plotting import plot_local_distributional_smoothness


def shares(ax):
    """Heights of the filled bars, `(histograms, bins)`."""
    return np.array([[bar.get_height() for bar in container] for container in ax.containers])


def test_one_array_on_a_linear_axis(ax):
    lds = np.array([0.5, 1.5, 1.6, 4.0])
    assert plot_local_distributional_smoothness(lds, bins=4, log_scale=False, ax=ax) is ax
    np.testing.assert_allclose(shares(ax), [[0.25, 0.5, 0.0, 0.25]])
    assert ax.get_legend() is None
    assert ax.get_xlabel() == "local distributional smoothness, nats"


def test_several_over_orders_of_magnitude(ax):
    lds = {"with VAT": np.array([-1e-9, 1e-5]), "without": np.array([5.0, 10.0])}
    plot_local_distributional_smoothness(lds, bins=6, ax=ax)
    assert ax.get_xscale() == "log"
    np.testing.assert_allclose(shares(ax), [[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["with VAT", "without"]


@pytest.mark.parametrize("log_scale", [False, True])
def test_equal_numbers_are_drawn(log_scale, ax):
    plot_local_distributional_smoothness(np.full(3, 2.0), log_scale=log_scale, ax=ax)
    assert shares(ax).sum() == pytest.approx(1.0)


def test_draws_a_new_figure_and_renders(tmp_path):
    ax = plot_local_distributional_smoothness(np.random.default_rng(0).gamma(0.5, size=50))
    ax.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("lds", "message"),
    [
        ([-1.0], r"`lds` must hold one finite number .*shape `\(n,\)`. Received: lds=array\(\[-1"),
        ({"VAT": np.zeros((2, 2))}, r"`lds` must hold .* Received: lds\['VAT'\]=array"),
        ({}, "`lds` must have at least one array. Received: lds={}"),
        ([0.0], "`log_scale` needs numbers above 0. Received: log_scale=True"),
    ],
)
def test_refuses_what_can_not_be_drawn(lds, message):
    with pytest.raises(ValueError, match=message):
        plot_local_distributional_smoothness(lds)
