import numpy as np
import pytest

from keras_vat.plotting import plot_perturbed_images


def tiles(ax, size):
    """The drawn tiles, `(3, columns, size, size, 3)`; the gap is one pixel for small images."""
    image = np.asarray(ax.images[0].get_array())
    columns = (image.shape[1] + 1) // (size + 1)
    return np.array(
        [
            [image[r * (size + 1) :, c * (size + 1) :][:size, :size] for c in range(columns)]
            for r in range(3)
        ]
    )


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 4, 4, 1), (2, 4, 4, 3)])
def test_rows_are_original_magnified_difference_and_perturbed(shape, ax):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.2, 0.8, shape)
    r = rng.uniform(-0.02, 0.02, shape)
    assert plot_perturbed_images(x, x + r, magnification=5, ax=ax) is ax
    drawn = tiles(ax, 4)
    assert drawn.shape == (3, 2, 4, 4, 3)
    rgb = [
        np.broadcast_to(a.reshape(*shape[:3], -1), (2, 4, 4, 3)) for a in (x, 0.5 + 5 * r, x + r)
    ]
    np.testing.assert_allclose(drawn, rgb, atol=1e-12)


@pytest.mark.parametrize(
    ("largest", "expected"),
    [(0.6, "1"), (0.3, "1"), (0.2, "2"), (0.04, "10"), (0.003, "100"), (0.0, "1")],
)
def test_magnification_is_round_and_stays_in_range(largest, expected, ax):
    x = np.full((1, 4, 4), 0.5)
    perturbed = x.copy()
    perturbed[0, 0, 0] += largest
    plot_perturbed_images(x, perturbed, ax=ax)
    assert ax.get_yticklabels()[1].get_text() == f"perturbation\n× {expected}"


def test_other_ranges_are_brought_to_the_unit_one(ax):
    x = np.linspace(-2.0, 2.0, 16).reshape(1, 4, 4)
    plot_perturbed_images(x, x + 0.4, magnification=2, ax=ax)
    original, difference, perturbed = tiles(ax, 4)[:, 0, ..., 0]
    np.testing.assert_allclose(original, (x[0] + 2) / 4, atol=1e-12)
    np.testing.assert_allclose(difference, 0.5 + 2 * 0.1, atol=1e-12)
    np.testing.assert_allclose(perturbed, np.minimum((x[0] + 2.4) / 4, 1.0), atol=1e-12)


def test_columns_are_limited_and_labelled(ax):
    x = np.zeros((12, 4, 4))
    plot_perturbed_images(x, x, labels=range(12), max_images=3, ax=ax)
    assert tiles(ax, 4).shape[1] == 3
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "1", "2"]
    np.testing.assert_array_equal(ax.get_xticks(), [1.5, 6.5, 11.5])


def test_refuses_what_is_no_array():
    with pytest.raises(TypeError, match="`x` must be an array of numbers. Received: x of type obj"):
        plot_perturbed_images(object(), np.zeros((2, 4, 4)))


def test_draws_a_new_figure_and_renders(tmp_path):
    x = np.random.default_rng(0).uniform(size=(3, 8, 8))
    plot_perturbed_images(x, x + 0.1).figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"perturbed": np.zeros((2, 4, 5))}, r"`perturbed` must have the shape of `x`"),
        (
            {"x": np.zeros((2, 16)), "perturbed": np.zeros((2, 16))},
            r"`x` must hold images.*Received: x.shape=\(2, 16\). Reshape flat images first",
        ),
        (
            {"x": np.zeros((8, 8, 1)), "perturbed": np.zeros((8, 8, 1))},
            r"Received: x.shape=\(8, 8, 1\). Give one image as `x\[None\]`",
        ),
        (
            {"x": np.zeros((0, 8, 8)), "perturbed": np.zeros((0, 8, 8))},
            r"and at least one. Received: x.shape=\(0, 8, 8\).$",
        ),
        ({"perturbed": np.full((2, 4, 4), np.nan)}, "`perturbed` must be finite"),
        ({"labels": ["a"]}, r"one text for each of the 2 images. Received: 1 labels"),
    ],
)
def test_refuses_what_can_not_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_perturbed_images(
            **{"x": np.zeros((2, 4, 4)), "perturbed": np.zeros((2, 4, 4)), **arguments}
        )
