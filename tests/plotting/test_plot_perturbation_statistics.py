import numpy as np
import pytest

from keras_vat.evaluation import PerturbationStatistics
from keras_vat.plotting import plot_perturbation_statistics

STATISTICS = {
    "VAT": PerturbationStatistics(np.array([0.5, 1.5, 1.6, 4.0]), np.full(4, 1.5)),
    "LVAT": PerturbationStatistics(np.array([3.9, 3.9]), np.array([0.5, 2.0])),
}


def shares(ax):
    """Heights of the filled bars, `(histograms, bins)`."""
    return np.array([[bar.get_height() for bar in container] for container in ax.containers])


def test_consistency_costs_in_shares_of_the_same_bins(ax):
    assert plot_perturbation_statistics(STATISTICS, bins=4, ax=ax) is ax
    np.testing.assert_allclose(shares(ax), [[0.25, 0.5, 0, 0.25], [0, 0, 0, 1]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["VAT", "LVAT"]
    assert "consistency cost" in ax.get_xlabel() and "nats" in ax.get_xlabel()
    assert ax.get_ylabel() == "share of the examples"


def test_distances(ax):
    plot_perturbation_statistics(STATISTICS, "distance", bins=4, ax=ax)
    np.testing.assert_allclose(shares(ax), [[0, 0, 0, 1], [0, 0.5, 0, 0.5]])
    assert "distance" in ax.get_xlabel()


def test_draws_a_new_figure_on_a_logarithmic_axis_and_renders(tmp_path):
    ax = plot_perturbation_statistics(STATISTICS, log_scale=True)
    assert ax.get_xscale() == "log"
    ax.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantity": "cost"}, "`quantity` must be one of .* Received: quantity='cost'"),
        ({"statistics": {}}, "`statistics` must have at least one array. Received: statistics={}"),
        (
            {"statistics": {"VAT": PerturbationStatistics(np.array([np.nan]), np.ones(1))}},
            r"`statistics` must hold one finite number .* Received: statistics\['VAT'\]=",
        ),
    ],
)
def test_refuses_what_can_not_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_perturbation_statistics(**{"statistics": STATISTICS, **arguments})
