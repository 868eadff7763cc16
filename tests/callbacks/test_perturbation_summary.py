import keras
import numpy as np
import pytest

from keras_vat import VATModel
from keras_vat.callbacks import AlphaWarmup, PerturbationSummary
from keras_vat.evaluation import perturbation_statistics
from keras_vat.perturbations import RandomPerturbation, VirtualAdversarialPerturbation
from keras_vat.plotting.perturbation_rows import perturbation_rows
from keras_vat.regularizers import VirtualAdversarialTraining

X = np.random.default_rng(0).uniform(size=(12, 4, 4, 1)).astype("float32")
Y = np.arange(12) % 3


def make_model(learning_rate=0.1, regularizers=()):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = VATModel(keras.Sequential(layers), list(regularizers))
    model.compile(
        keras.optimizers.SGD(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


@pytest.fixture
def tf():
    """TensorFlow, which writes summaries whatever the backend."""
    return pytest.importorskip("tensorflow", reason="TensorBoard's format is TensorFlow's")


def events(tf, folder):
    """(step, tag, plugin, value) of everything that was written."""
    written = []
    for path in sorted(folder.glob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                written.append((event.step, value.tag, plugin, tf.make_ndarray(value.tensor)))
    return written


def test_writes_numbers_of_the_perturbation_and_of_the_regularizers(tf, tmp_path):
    model = make_model(regularizers=[VirtualAdversarialTraining(0.5, seed=0)])
    perturbation = VirtualAdversarialPerturbation(0.5, seed=3)
    summary = PerturbationSummary(X, tmp_path, perturbation, batch_size=5)
    warmup = AlphaWarmup(epochs=1)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[warmup, summary]).history
    scalars = {
        (step, tag): value
        for step, tag, plugin, value in events(tf, tmp_path / "perturbation")
        if plugin == "scalars"
    }
    for step in (0, 1):
        assert scalars[step, "regularizers/vat"] == pytest.approx(history["vat"][step])
        assert scalars[step, "regularizers/vat_weight"] == history["vat_weight"][step] == step
        assert scalars[step, "regularizers/vat_epsilon"] == 0.5
        assert scalars[step, "perturbation/distance"] == pytest.approx(0.5, rel=1e-5)
    assert len(scalars) == 10
    last = perturbation_statistics(model, X, {"now": perturbation}, batch_size=5)["now"]
    found = scalars[1, "perturbation/consistency_cost"]
    assert found == pytest.approx(last.consistency_cost.mean(), rel=1e-5)


def test_writes_images_their_perturbations_and_the_perturbed_images(tf, tmp_path):
    model = make_model()
    perturbation = RandomPerturbation(0.5, seed=1)
    model.fit(X, Y, verbose=0, callbacks=[PerturbationSummary(X, tmp_path, perturbation)])
    images = [event for event in events(tf, tmp_path / "perturbation") if event[2] == "images"]
    [(step, tag, _, (width, height, png))] = images
    assert (step, tag) == (0, "perturbation/images")
    picture = tf.io.decode_png(png).numpy()
    assert picture.shape == (int(height), int(width), 3)
    rows = perturbation_rows(X[:10], RandomPerturbation(0.5, seed=1).perturb(model, X[:10]))
    np.testing.assert_array_equal(picture, np.round(255 * np.kron(rows, np.ones((8, 8, 1)))))


def test_rows_are_grey_where_nothing_changed_and_black_or_white_at_the_largest_change():
    x = np.full((2, 2, 2), 0.5)
    perturbed = x.copy()
    perturbed[0, 0, 0], perturbed[1, 1, 1] = 0.3, 0.6
    expected = np.full((8, 5), 1.0)
    picture = perturbation_rows(x, perturbed)[..., 0]
    assert picture.shape == (8, 5)
    expected[np.ix_((0, 1, 3, 4, 6, 7), (0, 1, 3, 4))] = 0.5
    expected[3, 0], expected[4, 4], expected[6, 0], expected[7, 4] = 0.0, 0.75, 0.3, 0.6
    np.testing.assert_allclose(picture, expected)
    assert perturbation_rows(x, x).max() == 1.0  # nothing changed: no division by zero
    scaled = perturbation_rows(4 * x - 3 * np.eye(2), 4 * perturbed - 3 * np.eye(2))
    assert scaled.min() == 0.0 and scaled.max() == 1.0


def test_epochs_start_from_the_same_directions_and_some_are_left_out(tf, tmp_path):
    model = make_model(learning_rate=0.0)
    summary = PerturbationSummary(X, tmp_path, RandomPerturbation(0.5), every=2)
    model.fit(X, Y, epochs=5, verbose=0, callbacks=[summary])
    costs = [(s, float(v)) for s, t, _, v in events(tf, tmp_path / "perturbation") if "cost" in t]
    assert [step for step, _ in costs] == [1, 3]
    assert costs[0][1] == costs[1][1] > 0


def test_inputs_that_are_no_images_and_plain_models(tf, tmp_path):
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = X.reshape(12, 16)
    model.fit(x, Y, verbose=0, callbacks=[PerturbationSummary(x, tmp_path, 0.5)])
    tags = [tag for _, tag, _, _ in events(tf, tmp_path / "perturbation")]
    assert tags == ["perturbation/consistency_cost", "perturbation/distance"]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"perturbation": "vat"}, TypeError, "`perturbation` must be .* Received: perturbation="),
        ({"perturbation": 0.0}, ValueError, "`perturbation` must be .* Received: perturbation=0.0"),
        ({"every": 0}, ValueError, "`every` must be at least 1. Received: every=0"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1. Received: batch_size=0"),
    ],
)
def test_refuses_wrong_arguments(tmp_path, arguments, kind, message):
    with pytest.raises(kind, match=message):
        PerturbationSummary(**{"x": X, "log_dir": tmp_path, "perturbation": 1.0, **arguments})
