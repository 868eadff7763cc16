import keras
import numpy as np
import pytest

from keras_vat.plotting import plot_bad_samples

X = np.float32([[1, 0], [-1, 0], [0, 1]])
BAD = X + np.float32([2.0, 0.25])


def scatters(ax):
    return {artist.get_label(): np.array(artist.get_offsets()) for artist in ax.collections}


def test_points_with_those_left_out(ax):
    plot_bad_samples(X, BAD, kept=[True, False, True], ax=ax)
    drawn = scatters(ax)
    np.testing.assert_array_equal(drawn["example"], X)
    np.testing.assert_array_equal(drawn["bad sample"], BAD[[0, 2]])
    np.testing.assert_array_equal(drawn["bad sample, left out"], BAD[[1]])
    for limits, column in ((ax.get_xlim(), 0), (ax.get_ylim(), 1)):
        assert limits[0] < min(X[:, column].min(), BAD[:, column].min())
        assert limits[1] > max(X[:, column].max(), BAD[:, column].max())


def test_points_over_the_regions_of_a_classifier(ax):
    classifier = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    plot_bad_samples(X, BAD, classifier=classifier, y=np.array([0, 1, -1]), ax=ax)
    (map_of_regions,) = ax.images
    left, right, bottom, top = map_of_regions.get_extent()
    assert left < BAD[:, 0].min() and BAD[:, 0].max() < right
    assert bottom < BAD[:, 1].min() and BAD[:, 1].max() < top
    drawn = scatters(ax)
    np.testing.assert_array_equal(drawn["class 0"], X[:1])
    np.testing.assert_array_equal(drawn["bad sample"], BAD)
    assert "bad sample, left out" not in drawn


def test_images_one_row_for_each(ax):
    x = np.random.default_rng(0).uniform(size=(4, 8, 8, 1))
    plot_bad_samples(x, {"with VAT": x + 0.1, "without": 1 - x}, max_images=3, ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "original",
        "with VAT",
        "without",
    ]
    picture = ax.images[0].get_array()
    np.testing.assert_allclose(picture[:8, :8, 0], x[0, ..., 0], atol=1e-6)
    np.testing.assert_allclose(picture[18:26, 9:17, 0], 1 - x[1, ..., 0], atol=1e-6)


def test_draws_a_new_figure_and_renders(tmp_path):
    plot_bad_samples(X, BAD).figure.savefig(tmp_path / "points.png")
    images = np.zeros((3, 6, 6, 3))
    plot_bad_samples(images - 1, images).figure.savefig(tmp_path / "images.png")
    for picture in tmp_path.iterdir():
        assert picture.stat().st_size > 1000


@pytest.mark.parametrize(
    ("x", "bad", "message"),
    [
        (X, BAD[:2], r"`bad` must have the shape of `x`.*bad.shape=\(2, 2\)"),
        (X, {"a": BAD}, "`bad` must be one array for points"),
        (np.ones((3, 5)), np.ones((3, 5)), r"`x` must hold points .* x.shape=\(3, 5\)"),
    ],
)
def test_wrong_inputs_are_refused(x, bad, message):
    with pytest.raises(ValueError, match=message):
        plot_bad_samples(x, bad)
