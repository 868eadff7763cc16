import keras
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from keras_vat.plotting import plot_decision_boundary
from keras_vat.plotting.palette import CATEGORIES

X = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])


def linear_classifier(kernel, activation=None):
    """Logits x @ kernel."""
    kernel = np.asarray(kernel, "float32")
    layer = keras.layers.Dense(kernel.shape[1], activation=activation)
    model = keras.Sequential([keras.Input((2,)), layer])
    layer.set_weights([kernel, np.zeros(kernel.shape[1], "float32")])
    return model


def background(ax):
    return np.asarray(ax.images[0].get_array())


def boundary_points(ax):
    lines = [path.vertices for artist in ax.collections for path in artist.get_paths()]
    return np.concatenate([line for line in lines if len(line) > 100])


def scatters(ax):
    """Offsets by label."""
    return {
        artist.get_label(): np.asarray(artist.get_offsets())
        for artist in ax.collections
        if len(artist.get_offsets())
    }


# One class wins where x0 > 0; three ways to write this down.
RIGHT = {
    "logits": linear_classifier([[0.0, 3.0], [0.0, 0.0]]),
    "softmax": linear_classifier([[0.0, 3.0], [0.0, 0.0]], "softmax"),
    "sigmoid": linear_classifier([[3.0], [0.0]], "sigmoid"),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_background_shows_probabilities(kind, ax):
    assert plot_decision_boundary(RIGHT[kind], X, ax=ax, resolution=101) is ax
    image = background(ax)
    low, high = ax.get_xlim()
    x0 = np.linspace(low, high, 101)
    p = 1 / (1 + np.exp(-3.0 * x0))
    strength = 0.45 * (np.maximum(p, 1 - p)[:, None] - 0.5) / 0.5
    colors = np.where(x0[:, None] > 0, to_rgb(CATEGORIES[1]), to_rgb(CATEGORIES[0]))
    expected = 1 - strength * (1 - colors)
    np.testing.assert_allclose(image, np.broadcast_to(expected, image.shape), atol=1e-5)


def test_the_boundary_is_a_line_at_equal_probability(ax):
    plot_decision_boundary(linear_classifier([[0.0, 1.0], [0.0, -2.0]]), X, ax=ax)
    line = boundary_points(ax)
    np.testing.assert_allclose(line[:, 0], 2 * line[:, 1], atol=1e-5)


def test_several_classes(ax):
    kernel = [[4.0, -4.0, 0.0], [0.0, 0.0, 4.0]]
    plot_decision_boundary(linear_classifier(kernel), X, ax=ax, resolution=51)
    image = background(ax)
    # The winners in the right, left and upper middle; the colour is the class's, only paler.
    for (row, column), label in {(10, 45): 0, (10, 5): 1, (45, 25): 2}.items():
        absorbed = (1 - image[row, column]) / (1 - np.array(to_rgb(CATEGORIES[label])) + 1e-9)
        np.testing.assert_allclose(absorbed, absorbed[0], rtol=1e-4)
        assert 0.3 < absorbed[0] <= 0.4501


def test_points_by_class_and_without(ax):
    y = np.array([1, 0, -1, 1])
    unlabeled = np.array([[0.5, 0.5]])
    plot_decision_boundary(RIGHT["logits"], X, y, unlabeled, ax=ax)
    drawn = scatters(ax)
    np.testing.assert_array_equal(drawn["class 0"], X[[1]])
    np.testing.assert_array_equal(drawn["class 1"], X[[0, 3]])
    np.testing.assert_array_equal(drawn["unlabelled"], [[-1.0, 1.0], [0.5, 0.5]])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["unlabelled", "class 0", "class 1"]


def test_float_labels_are_classes(ax):
    plot_decision_boundary(RIGHT["logits"], X, np.array([1.0, 0.0, -1.0, 1.0]), ax=ax)
    np.testing.assert_array_equal(scatters(ax)["class 1"], X[[0, 3]])


def test_no_two_classes_look_alike(ax):
    x, y = np.repeat(X, 5, axis=0), np.arange(20)
    plot_decision_boundary(linear_classifier(np.ones((2, 20))), x, y, ax=ax)
    points = [one for one in ax.collections if str(one.get_label()).startswith("class")]
    looks = {
        (tuple(one.get_facecolors()[0]), one.get_paths()[0].vertices.tobytes()) for one in points
    }
    assert len(points) == len(looks) == 20


def test_a_class_beyond_the_classifiers_is_drawn(ax):
    plot_decision_boundary(RIGHT["logits"], X, np.array([0, 1, 2, 2]), ax=ax)
    np.testing.assert_array_equal(scatters(ax)["class 2"], X[2:])


def test_smoothness_of_the_points(ax):
    values = np.array([0.1, 0.4, 0.2, 0.3])
    plot_decision_boundary(RIGHT["logits"], X, smoothness=values, ax=ax)
    assert not ax.images
    (points,) = (artist for artist in ax.collections if len(artist.get_offsets()) == 4)
    np.testing.assert_array_equal(points.get_array(), [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(points.get_offsets(), X[[0, 2, 3, 1]])
    assert points.get_clim() == (0.0, 0.4)
    assert [child.get_ylabel() for child in ax.child_axes] == ["LDS"]


def test_smoothness_of_the_plane(ax):
    plot_decision_boundary(
        RIGHT["logits"], X, smoothness=lambda points: points[:, 1] ** 2, ax=ax, resolution=21
    )
    low, high = ax.get_ylim()
    expected = np.broadcast_to(np.linspace(low, high, 21)[:, None] ** 2, (21, 21))
    np.testing.assert_allclose(background(ax), expected, rtol=1e-4, atol=1e-6)


def test_draws_a_new_figure_and_renders(tmp_path):
    ax = plot_decision_boundary(RIGHT["logits"], X, np.array([0, 1, -1, -1]))
    ax.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.ones((4, 3))}, r"`x` must hold points.*Received: x.shape=\(4, 3\)"),
        ({"unlabeled": np.ones(2)}, r"`unlabeled` must hold.*unlabeled.shape=\(2,\)"),
        ({"y": np.zeros(3, int)}, r"`y` must have one value for each of the 4 rows"),
        ({"y": np.full(4, 0.5)}, "`y` must hold whole numbers.*Received: y of dtype float64"),
        ({"smoothness": np.zeros(3)}, r"`smoothness` must have.*smoothness.shape=\(3,\)"),
        (
            {"classifier": linear_classifier(np.ones((2, 3)), "sigmoid")},
            r"must choose one of several classes.*a bernoulli output of shape \(\d+, 3\)",
        ),
    ],
)
def test_refuses_what_can_not_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_decision_boundary(**{"classifier": RIGHT["logits"], "x": X, **arguments})
