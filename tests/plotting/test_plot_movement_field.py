import numpy as np
import pytest

from keras_vat.movement_fields import RotationField, ShiftField
from keras_vat.plotting import plot_movement_field


def arrows(ax):
    (quiver,) = (artist for artist in ax.collections if hasattr(artist, "U"))
    return quiver


def test_arrows_point_along_columns_and_down_the_rows(ax):
    field = RotationField().basis((5, 9))[0]
    plot_movement_field(field, ax=ax)
    quiver = arrows(ax)
    assert quiver.U.shape == (45,)
    np.testing.assert_allclose(quiver.U, field[..., 1].reshape(-1))
    np.testing.assert_allclose(quiver.V, field[..., 0].reshape(-1))
    low, high = ax.get_ylim()
    assert low > high  # rows grow downwards
    assert not ax.images


def test_large_lattices_have_fewer_arrows_over_the_image(ax):
    image = np.random.default_rng(0).normal(size=(28, 28, 1))
    plot_movement_field(ShiftField().basis((28, 28))[0], image, max_arrows=10, ax=ax)
    places = arrows(ax).get_offsets()
    assert len(places) == 100
    assert len(np.unique(np.diff(np.unique(places[:, 0])))) == 1
    shown = ax.images[0].get_array()
    assert shown.shape == (28, 28) and shown.min() == 0 and shown.max() == 1


def test_signals_have_arrows_along_the_positions(ax):
    signal = np.sin(np.arange(40.0))[:, None]
    plot_movement_field(ShiftField().basis((40,))[0], signal, ax=ax)
    quiver = arrows(ax)
    assert np.all(quiver.V == 0) and len(quiver.U) == 14
    np.testing.assert_allclose(quiver.get_offsets()[:, 1], signal[::3, 0])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), signal[:, 0])


def test_draws_a_new_figure_and_renders(tmp_path):
    for field, x in (
        (np.ones((4, 5, 2)), np.ones((4, 5, 3))),
        (np.zeros((4, 5, 2)), None),
        (np.ones((6, 1)), None),
    ):
        plot_movement_field(field, x).figure.savefig(tmp_path / "plot.png")
        assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("field", "x", "message"),
    [
        (np.ones((2, 4, 5, 2)), None, r"`field` must have shape .*field.shape=\(2, 4, 5, 2\)"),
        (np.ones((4, 5, 3)), None, "`field` must have shape"),
        (np.ones((4, 5, 2)), np.ones((5, 4)), r"`x` must lie on the field's lattice \(4, 5\)"),
    ],
)
def test_wrong_shapes_are_refused(field, x, message):
    with pytest.raises(ValueError, match=message):
        plot_movement_field(field, x)
