import types

import numpy as np
import pytest

from keras_vat.plotting import plot_training_curves

HISTORY = {
    "supervised_loss": [0.7, 0.4, 0.3],
    "vat": [0.1, 0.3, 0.2],
    "val_error": [0.5, 0.4, 0.2],
    "error": [0.4, 0.3, 0.1],
    "val_loss": [0.9, 0.8, 0.7],
}


def lines(ax):
    return {line.get_label(): line for line in ax.lines}


def test_one_line_per_name_over_epochs_from_one(ax):
    assert plot_training_curves(HISTORY, ax=ax) is ax
    assert set(lines(ax)) == set(HISTORY)
    for name, line in lines(ax).items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(line.get_ydata(), HISTORY[name])
    assert ax.get_xlabel() == "epoch"


def test_validation_is_dashed_in_the_same_colour(ax):
    plot_training_curves(HISTORY, ax=ax)
    drawn = lines(ax)
    assert drawn["error"].get_color() == drawn["val_error"].get_color()
    assert [drawn[name].get_linestyle() for name in ("error", "val_error")] == ["-", "--"]
    colors = {line.get_color() for line in drawn.values()}
    assert len(colors) == 4  # supervised_loss, vat, error, loss


def test_a_single_epoch_can_be_seen(ax):
    plot_training_curves({name: values[:1] for name, values in HISTORY.items()}, ax=ax)
    assert all(line.get_marker() not in ("", "None", None) for line in ax.lines)


def test_long_curves_have_few_marks_of_their_own(ax):
    plot_training_curves({"a": np.arange(100.0), "b": np.arange(100.0) ** 2}, ax=ax)
    assert len({line.get_marker() for line in ax.lines}) == 2
    assert {line.get_markevery() for line in ax.lines} == {5}


def test_chosen_names_of_what_fit_returned(ax):
    returned = types.SimpleNamespace(history=HISTORY)
    plot_training_curves(returned, ["vat", "error"], log_scale=True, ax=ax)
    assert list(lines(ax)) == ["vat", "error", "val_error"]
    assert ax.get_yscale() == "log"


def test_a_single_name(ax):
    plot_training_curves(HISTORY, "vat", ax=ax)
    assert list(lines(ax)) == ["vat"]


def test_draws_a_new_figure_and_renders(tmp_path):
    plot_training_curves(HISTORY).figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_numbers_of_some_epochs_only_stand_at_these(ax):
    history = {"loss": np.arange(10.0), "val_loss": [5.0, 4.0], "lds": [1.0, 2.0]}
    plot_training_curves(history, every={"val_loss": 5, "lds": 4}, ax=ax)
    drawn = {name: line.get_xdata().tolist() for name, line in lines(ax).items()}
    assert drawn == {"loss": list(range(1, 11)), "val_loss": [5, 10], "lds": [4, 8]}


def test_numbers_of_some_epochs_stand_at_these_when_drawn_alone(ax):
    history = {"loss": np.arange(10.0), "val_loss": [5.0, 4.0]}
    plot_training_curves(history, "val_loss", every=5, ax=ax)
    np.testing.assert_array_equal(lines(ax)["val_loss"].get_xdata(), [5, 10])


def test_asks_when_numbers_of_some_epochs_were_logged():
    history = {"loss": np.arange(10.0), "val_loss": [5.0, 4.0]}
    for names in (None, "val_loss"):
        with pytest.raises(ValueError, match=r"`every` must say .* as every=\{'val_loss': 5\}"):
            plot_training_curves(history, names)


@pytest.mark.parametrize(
    ("history", "error", "message"),
    [
        ({}, ValueError, "`history` must have one list"),
        ({0: [1.0]}, ValueError, "`history` must have one list"),
        ({"loss": 1.0}, ValueError, "one number per epoch"),
        ({"loss": "none"}, TypeError, "`history` must be an array of numbers"),
    ],
)
def test_refuses_what_fit_does_not_return(history, error, message):
    with pytest.raises(error, match=message):
        plot_training_curves(history)


@pytest.mark.parametrize(("history", "names"), [(HISTORY, ["vat", "accuracy"]), (HISTORY, [])])
def test_refuses_names_that_were_not_logged(history, names):
    with pytest.raises(ValueError, match="`names` must be among what was logged.*Received: names="):
        plot_training_curves(history, names)
