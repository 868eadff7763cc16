import numpy as np
import pytest

from keras_vat.plotting import plot_reconstructions


def tile(ax, row, column, size=4):
    """A drawn image, `(size, size, 3)`; the gap is one pixel for small images."""
    image = np.asarray(ax.images[0].get_array())
    return image[row * (size + 1) :, column * (size + 1) :][:size, :size]


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 4, 4, 1), (2, 4, 4, 3)])
def test_rows_are_originals_reconstructions_and_samples(shape, ax):
    rng = np.random.default_rng(0)
    rows = [rng.uniform(size=shape) for _ in range(3)]
    assert plot_reconstructions(*rows, ax=ax) is ax
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["original", "reconstruction", "sample"]
    np.testing.assert_array_equal(ax.get_yticks(), [1.5, 6.5, 11.5])
    for number, images in enumerate(rows):
        for column, image in enumerate(images):
            expected = np.broadcast_to(image.reshape(4, 4, -1), (4, 4, 3))
            np.testing.assert_array_equal(tile(ax, number, column), expected)


def test_without_samples_there_are_two_rows(ax):
    x = np.zeros((3, 4, 4))
    plot_reconstructions(x, x, ax=ax)
    assert len(ax.get_yticks()) == 2
    assert ax.images[0].get_array().shape[:2] == (9, 14)


@pytest.mark.parametrize(("counts", "columns"), [((2, 3), 3), ((3, 1), 3), ((12, 12), 5)])
def test_rows_of_other_lengths_are_filled_with_white(counts, columns, ax):
    x, samples = (np.zeros((count, 4, 4)) for count in counts)
    plot_reconstructions(x, x, samples, max_images=5, ax=ax)
    assert ax.images[0].get_array().shape[:2] == (14, 5 * columns - 1)
    for row, count in zip((0, 2), counts, strict=True):
        for column in range(columns):
            assert tile(ax, row, column).max() == (0.0 if column < count else 1.0)


def test_what_is_outside_the_range_is_drawn_at_its_end(ax):
    plot_reconstructions(np.zeros((1, 4, 4)), np.full((1, 4, 4), 1.5), -np.ones((1, 4, 4)), ax=ax)
    assert [tile(ax, row, 0).mean() for row in range(3)] == [0.0, 1.0, 0.0]


def test_draws_a_new_figure_and_renders(tmp_path):
    x = np.random.default_rng(0).uniform(size=(3, 8, 8))
    plot_reconstructions(x, x, x).figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reconstructions": np.zeros((2, 4, 5))}, "`reconstructions` must have the shape of `x`"),
        (
            {"samples": np.zeros((2, 5, 4))},
            r"`samples` must have images of the size of `x`. .*samples.shape=\(2, 5, 4\)",
        ),
        (
            {"x": np.zeros((2, 16)), "reconstructions": np.zeros((2, 16))},
            r"`x` must hold images.*Received: x.shape=\(2, 16\). Reshape flat images first",
        ),
    ],
)
def test_refuses_what_can_not_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_reconstructions(
            **{"x": np.zeros((2, 4, 4)), "reconstructions": np.zeros((2, 4, 4)), **arguments}
        )


def test_a_generator_that_diverged_is_drawn_not_refused(tmp_path):
    x = np.random.default_rng(0).uniform(size=(3, 8, 8))
    ax = plot_reconstructions(x, np.full_like(x, np.nan), samples=np.full_like(x, np.inf))
    ax.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000
