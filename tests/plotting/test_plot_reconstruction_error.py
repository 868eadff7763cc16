import numpy as np
import pytest
from matplotlib.colors import to_rgb

from keras_vat.plotting import plot_reconstruction_error
from keras_vat.plotting.palette import CATEGORIES


def shares(ax):
    """Heights of the filled bars, `(histograms, bins)`."""
    return np.array([[bar.get_height() for bar in container] for container in ax.containers])


def edges(ax):
    bars = list(ax.containers[0])
    return np.array([bars[0].get_x(), *(bar.get_x() + bar.get_width() for bar in bars)])


def test_one_array(ax):
    assert plot_reconstruction_error(np.array([0.5, 1.5, 1.6, 4.0]), bins=4, ax=ax) is ax
    np.testing.assert_allclose(shares(ax), [[0.25, 0.5, 0.0, 0.25]])
    np.testing.assert_allclose(edges(ax), [0, 1, 2, 3, 4])
    assert ax.get_legend() is None
    assert "Dec(Enc(x))" in ax.get_xlabel() and ax.get_ylabel() == "share of the images"


def test_several_have_the_same_bins_and_shares_that_compare(ax):
    errors = {"VAE": np.full(300, 3.9), "Glow": np.array([0.1, 0.2, 3.9, 4.0])}
    plot_reconstruction_error(errors, bins=4, ax=ax)
    np.testing.assert_allclose(shares(ax), [[0, 0, 0, 1], [0.5, 0, 0, 0.5]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["VAE", "Glow"]
    for index, container in enumerate(ax.containers):
        assert to_rgb(container[0].get_facecolor()) == to_rgb(CATEGORIES[index])


def test_orders_of_magnitude_on_a_logarithmic_axis(ax):
    errors = {"VAE": np.array([5.0, 10.0]), "Glow": np.array([0.0, 1e-5])}
    plot_reconstruction_error(errors, bins=6, log_scale=True, ax=ax)
    assert ax.get_xscale() == "log"
    np.testing.assert_allclose(edges(ax), np.geomspace(1e-5, 10.0, 7))
    np.testing.assert_allclose(shares(ax), [[0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0]])


@pytest.mark.parametrize("log_scale", [False, True])
def test_equal_errors_are_drawn(log_scale, ax):
    plot_reconstruction_error(np.full(3, 2.0), log_scale=log_scale, ax=ax)
    assert shares(ax).sum() == pytest.approx(1.0)


def test_perfect_reconstructions_are_drawn(ax):
    plot_reconstruction_error(np.zeros(3), ax=ax)
    assert shares(ax)[0, 0] == pytest.approx(1.0)


def test_draws_a_new_figure_and_renders(tmp_path):
    ax = plot_reconstruction_error(np.random.default_rng(0).uniform(size=50))
    ax.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"errors": np.zeros((2, 2))}, r"one finite number .* shape `\(n,\)`. Received: errors="),
        ({"errors": {"VAE": [1.0, np.nan]}}, r"Received: errors\['VAE'\]=array\(\[ 1., nan\]\)"),
        ({"errors": [-1.0]}, "`errors` must hold one finite number of at least 0"),
        ({"errors": []}, "`errors` must hold one finite number of at least 0"),
        ({"errors": {}}, "`errors` must have at least one array. Received: errors={}"),
        ({"errors": [0.0], "log_scale": True}, "`log_scale` needs numbers above 0. Received:"),
    ],
)
def test_refuses_what_can_not_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_reconstruction_error(**arguments)
