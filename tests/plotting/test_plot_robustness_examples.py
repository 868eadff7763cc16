import numpy as np
import pytest

from keras_vat.evaluation import RobustnessCurve
from keras_vat.plotting import plot_robustness_examples

EXAMPLES = np.random.default_rng(0).uniform(size=(2, 9, 3, 4, 4, 1))
PREDICTIONS = np.random.default_rng(1).integers(10, size=(2, 2, 9, 3))
LABELS = np.array([7, 1, 2])


def curve(examples=EXAMPLES, images=EXAMPLES[0, 0]):
    return RobustnessCurve(
        names=["VAT", "plain"],
        epsilons=np.arange(9) / 10,
        errors=None,
        num_images=50,
        images=images,
        labels=LABELS,
        examples=examples,
        predictions=PREDICTIONS,
    )


def drawn(ax):
    """The images in reading order, one grey value for each pixel."""
    return np.array([np.asarray(image.get_array())[..., 0] for image in ax.images])


def test_strips_of_growing_size_with_what_every_classifier_says(ax):
    assert plot_robustness_examples(curve(), "plain", max_sizes=3, ax=ax) is ax
    sizes = [0, 4, 8]
    expected = EXAMPLES[1, sizes][:, :2, ..., 0].swapaxes(0, 1).reshape(6, 4, 4)
    np.testing.assert_allclose(drawn(ax), expected)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "0.4", "0.8"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["VAT", "plain"] * 2
    said = PREDICTIONS[1][:, sizes][..., :2]  # judges, sizes, images
    expected = said.transpose(2, 0, 1).ravel().astype(str).tolist()
    assert [text.get_text() for text in ax.texts] == expected


def test_wrong_classes_are_white_on_black(ax):
    plot_robustness_examples(curve(), max_images=3, ax=ax)
    said = PREDICTIONS[0].transpose(2, 0, 1)
    shown = np.unique(np.linspace(0, 8, 8).round().astype(int))
    wrong = (said != LABELS[:, None, None])[..., shown].ravel()
    assert 0 < wrong.sum() < wrong.size
    for text, white in zip(ax.texts, wrong, strict=True):
        assert (text.get_color() == "white") == (text.get_bbox_patch() is not None) == white


def test_images_of_another_range_are_brought_to_that_of_the_clean_ones(ax):
    images = np.broadcast_to([-1.0, 3.0], (3, 4, 4, 1, 2))[..., 0] + 0.0
    images[0, 0, 0] = 3.0
    examples = np.full_like(EXAMPLES, 1.0)
    examples[:, :, :, 0, 0] = 9.0
    plot_robustness_examples(curve(examples, images), ax=ax)
    assert drawn(ax)[0, 0, 0] == 1.0 and np.all(drawn(ax)[:, 1:] == 0.5)


def test_draws_a_new_figure_and_renders(tmp_path):
    ax = plot_robustness_examples(curve(EXAMPLES[..., 0], EXAMPLES[0, 0, ..., 0]))
    ax.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"source": "other"},
            "`source` must be among the classifiers: .* Received: source='other'",
        ),
        ({"curve": curve(None)}, r"`curve` must hold examples of images.* examples of shape \(\)"),
        ({"curve": curve(np.zeros((2, 9, 3, 4)))}, r"Received: examples of shape \(3, 4\)"),
        ({"curve": curve(EXAMPLES[:, :, :0])}, r"examples of shape \(0, 4, 4, 1\)"),
    ],
)
def test_refuses_what_can_not_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_robustness_examples(**{"curve": curve(), **arguments})
