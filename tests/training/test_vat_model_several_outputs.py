"""Classifiers with several outputs: all train, one is penalized."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_vat import Forward, VATModel, regularizers
from keras_vat.data import SemiSupervisedInputs

LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SMOOTH = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)


def heads(kind, features=None):
    """Two heads, or a head and features, of one hidden layer: `(model, head alone)`."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    hidden = layers.Dense(6, "tanh", name="hidden")(inputs)
    topic = layers.Dense(3, name="topic")(hidden)
    other = hidden if features else layers.Dense(2, "sigmoid", name="tags")(hidden)
    outputs = {
        "list": [topic, other],
        "tuple": (other, topic),
        "dict": {"topic": topic, "tags": other},
    }[kind]
    return keras.Model(inputs, outputs), keras.Model(inputs, topic)


class Subclassed(keras.Model):
    def __init__(self, kind):
        super().__init__()
        self.inside, _ = heads(kind)

    def call(self, x):
        return self.inside(x)


@pytest.fixture
def labels(rows):
    tags = (rows.x[:, :2] > 0).astype("float32")
    return {
        "dict": {"topic": rows.y, "tags": tags},
        "list": [rows.y, tags],
        "tuple": (tags, rows.y),
    }


LOSSES = {
    "dict": {"topic": LOGITS, "tags": "binary_crossentropy"},
    "list": [LOGITS, "binary_crossentropy"],
    "tuple": ["binary_crossentropy", LOGITS],
}
METHODS = {
    "at": lambda: regularizers.AdversarialTraining(0.3),
    "vat": lambda: regularizers.VirtualAdversarialTraining(0.5, seed=1),
    "fat": lambda: regularizers.FastAdversarialTraining(0.5, radius=0.7, seed=1),
    "entropy": regularizers.EntropyMinimization,
    "vmt": lambda: regularizers.VirtualMovementTraining(fields="shift"),
}


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("name", ["at", "vat", "fat", "entropy"])
@pytest.mark.parametrize("training", [False, True])
def test_a_penalty_is_that_of_the_head_alone(kind, name, training, rows, labels):
    classifier, head = heads(kind)
    model = VATModel(classifier, METHODS[name](), penalized_output="topic")
    model.compile("sgd", LOSSES[kind], jit_compile=False)
    head.compile("sgd", LOGITS)
    penalty = model.regularizers[0].penalty(model, rows.x, labels[kind], training=training)
    expected = METHODS[name]().penalty(head, rows.x, rows.y, training=training)
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)
    alone = model.regularizers[0].penalty(model, rows.x, rows.y)
    assert np.isfinite(alone)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("subclassed", [False, True])
def test_all_outputs_train_as_in_plain_keras(kind, subclassed, rows, labels):
    """With weight 0 the weights and logs are those of `keras.Model.fit`."""
    if subclassed and kind != "dict":
        pytest.skip("only a dictionary names the outputs of a subclassed model")

    def trained(wrap):
        classifier = Subclassed(kind) if subclassed else heads(kind)[0]
        classifier(rows.x[:1])
        model = wrap(classifier)
        weights = {"topic": 0.5, "tags": 2.0}
        model.compile(
            keras.optimizers.SGD(0.1),
            LOSSES[kind],
            loss_weights=weights if kind == "dict" else [0.5, 2.0],
            metrics={"topic": ["accuracy"], "tags": ["mae"]} if kind == "dict" else None,
            jit_compile=False,
        )
        history = model.fit(
            rows.x, labels[kind], batch_size=5, epochs=2, shuffle=False, verbose=0
        ).history
        return (
            classifier.get_weights(),
            history,
            model.evaluate(rows.x, labels[kind], return_dict=True, verbose=0),
        )

    expected, plain, evaluated = trained(lambda classifier: classifier)
    vat = regularizers.VirtualAdversarialTraining(0.5, weight=0.0)
    found, history, again = trained(lambda c: VATModel(c, vat, penalized_output="topic"))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert set(plain) <= set(history)
    for log in plain:
        np.testing.assert_allclose(history[log], plain[log], rtol=1e-5, err_msg=log)
    assert again.keys() == evaluated.keys()
    for log in evaluated:
        np.testing.assert_allclose(again[log], evaluated[log], rtol=1e-5, err_msg=log)


def test_adversarial_training_is_the_loss_of_its_output_as_epsilon_goes_to_0(rows, labels):
    """Label smoothing and the weight of this loss included."""
    classifier, _ = heads("dict")
    at = regularizers.AdversarialTraining(1e-6)
    model = VATModel(classifier, at, penalized_output="topic")
    losses = {"topic": SMOOTH, "tags": "binary_crossentropy"}
    model.compile("sgd", losses, loss_weights={"topic": 0.25, "tags": 1.0})
    y = {"topic": np.eye(3)[rows.y], "tags": labels["dict"]["tags"]}
    weights = {"topic": np.arange(12.0), "tags": np.ones(12)}
    penalty = at.penalty(model, rows.x, y, sample_weight=weights)
    logits = classifier(rows.x)["topic"]
    expected = 0.25 * SMOOTH(y["topic"], logits, sample_weight=weights["topic"])
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)


@pytest.mark.parametrize("unlabeled", [False, True])
def test_features_beside_logits(unlabeled, rows):
    """Only the logits have a loss; a semi-supervised step takes the same labels."""
    classifier, head = heads("dict", features=True)
    vat = regularizers.VirtualAdversarialTraining(0.5, seed=1)
    model = VATModel(classifier, vat, penalized_output="topic")
    model.compile(keras.optimizers.SGD(0.0), {"topic": LOGITS}, jit_compile=False)
    x = SemiSupervisedInputs(rows.x, rows.unlabeled) if unlabeled else rows.x
    logs = model.train_on_batch(x, {"topic": rows.y}, return_dict=True)
    expected = regularizers.VirtualAdversarialTraining(0.5, seed=1).penalty(
        Forward(head, training=True), rows.unlabeled if unlabeled else rows.x
    )
    np.testing.assert_allclose(logs["vat"], expected, rtol=1e-5)
    np.testing.assert_allclose(logs["supervised_loss"], LOGITS(rows.y, head(rows.x)), rtol=1e-5)


def test_one_output_in_a_structure_is_one_output(rows):
    inputs = keras.Input((4,))
    classifier = keras.Model(inputs, {"topic": layers.Dense(3, name="topic")(inputs)})
    model = VATModel(classifier, regularizers.VirtualAdversarialTraining(0.5))
    model.compile("sgd", {"topic": LOGITS}, jit_compile=False)
    assert model.train_on_batch(rows.x, {"topic": rows.y}, return_dict=True)["vat"] > 0


def test_without_regularizers_anything_trains(rows, labels):
    model = VATModel(heads("list")[0], [])
    model.compile("sgd", LOSSES["list"], jit_compile=False)
    history = model.fit(rows.x, labels["list"], verbose=0).history
    assert history["topic_loss"][0] + history["tags_loss"][0] == pytest.approx(history["loss"][0])


def test_a_skipped_step_leaves_no_trace_in_the_losses_of_the_outputs(rows, labels):
    model = VATModel(
        heads("dict")[0],
        regularizers.EntropyMinimization(),
        penalized_output="topic",
        nonfinite_penalty="skip",
    )
    model.compile(keras.optimizers.SGD(0.0), LOSSES["dict"], jit_compile=False)
    x = np.concatenate([rows.x, rows.x])
    x[12:] = np.nan
    y = {name: np.concatenate([part, part]) for name, part in labels["dict"].items()}
    history = model.fit(x, y, batch_size=12, shuffle=False, verbose=0).history
    expected = float(LOGITS(rows.y, model.classifier(rows.x)["topic"]))
    assert history["skipped_steps"] == [1]
    assert history["topic_loss"][0] == pytest.approx(expected, rel=1e-5)


def test_it_is_saved(tmp_path, rows):
    model = VATModel(heads("list")[0], METHODS["vat"](), penalized_output=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config()["penalized_output"] == 0
    for one, other in zip(loaded(rows.x), model(rows.x), strict=True):
        np.testing.assert_array_equal(one, other)


def test_perturbed_outputs_are_all_outputs(rows):
    model = VATModel(heads("dict")[0], METHODS["vat"](), penalized_output="topic")
    outputs = model.regularizers[0].perturbation.outputs(model, rows.x)
    assert set(outputs) == {"topic", "tags"}
    moved = model.regularizers[0].perturbation
    moved.seed_generator.state.assign([0, 0])
    perturbed = moved.perturb(model, rows.x)
    moved.seed_generator.state.assign([0, 0])
    outputs = moved.outputs(model, rows.x)
    np.testing.assert_allclose(outputs["tags"], model(perturbed)["tags"], rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "given", "names"),
    [
        ("dict", None, "'tags', 'topic'"),
        ("list", None, "'topic', 'tags'"),
        ("list", "topics", "'topic', 'tags'"),
        ("list", 2, "'topic', 'tags'"),
    ],
)
def test_an_output_that_is_not_there(kind, given, names):
    with pytest.raises(ValueError, match=rf"`penalized_output` must be.*outputs \[{names}\]"):
        VATModel(heads(kind)[0], METHODS["vat"](), penalized_output=given)


def test_a_subclassed_model_is_looked_at_in_its_first_run(rows):
    model = VATModel(Subclassed("list"), METHODS["vat"]())
    model.compile("sgd", LOSSES["list"], run_eagerly=True)
    with pytest.raises(ValueError, match=r"`penalized_output` must be.*outputs \[0, 1\]"):
        model.train_on_batch(rows.x, [rows.y, ops.ones((12, 2))])


@pytest.mark.parametrize("given", [1.5, True, ["topic"]])
def test_what_names_no_output(given):
    with pytest.raises(TypeError, match="`penalized_output` must be the name or the number"):
        VATModel(heads("list")[0], METHODS["vat"](), penalized_output=given)
