"""The SavedModel answers as the Keras model does, whatever it ends in and is asked with."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vat


def close(found, expected, tolerance=1e-6):
    np.testing.assert_allclose(found, np.asarray(expected), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("rows_asked", [1, 7])
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_softmax_classifiers(served, make_classifier, rows, activation, wrapped, rows_asked):
    classifier = make_classifier(activation, batch_norm=True, dropout=0.5)
    vat = keras_vat.regularizers.VirtualAdversarialTraining(1.0)
    model = keras_vat.VATModel(classifier, vat) if wrapped else classifier
    x = rows.x[:rows_asked]
    found, outputs = served(model)(inputs=x), model.predict(x, verbose=0)
    dtypes = {name: str(value.dtype) for name, value in found.items()}
    assert dtypes == {"logits": "float32", "probabilities": "float32", "classes": "int64"}
    close(found["probabilities"], outputs if activation else keras.ops.softmax(outputs))
    close(keras.ops.softmax(found["logits"]), found["probabilities"])
    np.testing.assert_array_equal(found["classes"], outputs.argmax(-1))


def test_logits_of_a_saturated_softmax_are_exact(served, make_classifier, rows):
    classifier = make_classifier("softmax")
    classifier.layers[-1].bias.assign([300.0, 0.0, 0.0])
    found = served(classifier)(inputs=rows.x)
    hidden = classifier.layers[0](rows.x)
    close(found["logits"], hidden @ classifier.layers[-1].kernel + classifier.layers[-1].bias)


@pytest.mark.parametrize("outputs", [1, 3])
def test_sigmoids(served, make_classifier, rows, outputs):
    classifier = make_classifier("sigmoid", outputs=outputs)
    found = served(classifier)(inputs=rows.x)
    close(found["probabilities"], classifier(rows.x))
    close(keras.ops.sigmoid(found["logits"]), found["probabilities"])
    expected = found["probabilities"] >= 0.5
    np.testing.assert_array_equal(found["classes"], expected[:, 0] if outputs == 1 else expected)


def test_the_loss_of_a_plain_model_is_evidence(served, make_classifier, rows):
    classifier = make_classifier(outputs=1)
    classifier.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    found = served(classifier)(inputs=rows.x)
    close(found["probabilities"], keras.ops.sigmoid(classifier(rows.x)))


@pytest.mark.parametrize("wrapped", [True, False])
def test_all_outputs_are_served_under_their_names(served, rows, wrapped):
    """The penalized one, one of which its sigmoid tells, and features, which nothing does."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, name="features")(inputs)
    tags = keras.layers.Dense(2, "sigmoid", name="tags")(hidden)
    topic = keras.layers.Dense(3, name="topic")(hidden)
    classifier = keras.Model(inputs, {"topic": topic, "tags": tags, "features": hidden})
    vat = keras_vat.regularizers.VirtualAdversarialTraining(1.0)
    model = keras_vat.VATModel(classifier, vat, penalized_output="topic") if wrapped else classifier
    if not wrapped:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(loss={"topic": loss, "tags": "binary_crossentropy", "features": None})
    found = served(model, class_names={"topic": ["a", "b", "c"]})(inputs=rows.x)
    heads = ("topic", "tags")
    entries = {f"{h}_{e}" for h in heads for e in ("logits", "probabilities", "classes")}
    assert set(found) == {"features", *entries}
    outputs = classifier(rows.x)
    close(found["features"], outputs["features"])
    close(found["tags_probabilities"], outputs["tags"])
    close(keras.ops.sigmoid(found["tags_logits"]), outputs["tags"])
    close(found["topic_logits"], outputs["topic"])
    expected = np.array([b"a", b"b", b"c"])[np.argmax(outputs["topic"], axis=-1)]
    np.testing.assert_array_equal(found["topic_classes"], expected)


def test_regression_serves_predictions(served, make_classifier, rows):
    classifier = make_classifier(outputs=2)
    found = served(keras_vat.VATModel(classifier, output="gaussian"))(inputs=rows.x)
    assert list(found) == ["predictions"]
    close(found["predictions"], classifier(rows.x))


def test_class_names(served, make_classifier, rows):
    names = np.array(["cat", "dog", "émeu"])
    found = served(make_classifier(), class_names=names)(inputs=rows.x)
    expected = [names[place].encode() for place in found["logits"].argmax(-1)]
    assert found["classes"].tolist() == expected


def test_the_two_names_of_a_sigmoid(served, make_classifier, rows):
    classifier = make_classifier("sigmoid", outputs=1)
    found = served(classifier, class_names=["no", "yes"])(inputs=rows.x)
    expected = [b"yes" if p >= 0.5 else b"no" for p in found["probabilities"][:, 0]]
    assert found["classes"].tolist() == expected
    assert len(set(expected)) == 2


def test_names_of_labels_that_hold(served, make_classifier, rows):
    found = served(make_classifier("sigmoid"), class_names=["a", "b", "c"])(inputs=rows.x)
    holds = found["probabilities"] >= 0.5
    expected = np.where(holds, np.array([b"a", b"b", b"c"], object), b"")
    assert found["classes"].tolist() == expected.tolist()


def test_the_input_has_the_name_asked_for(served, make_classifier, rows):
    ask = served(make_classifier(), input_name="features")
    assert ask(features=rows.x)["classes"].shape == (12,)
    spec = ask.signature.structured_input_signature[1]["features"]
    assert spec.shape.as_list() == [None, 4] and spec.dtype == tf.float32


@pytest.mark.parametrize("kind", [dict, list])
def test_several_inputs(served, two_inputs, two_inputs_batch, kind):
    classifier, batch = two_inputs(kind), two_inputs_batch
    found = served(classifier)(**batch)
    close(found["logits"], classifier(batch if kind is dict else list(batch.values())))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("activation", [None, "softmax"])
@pytest.mark.parametrize("built", [True, False])
def test_half_precision_is_served_as_float32(
    served, make_classifier, rows, policy, activation, built
):
    classifier = make_classifier(activation, dtype=policy, built=built)
    outputs = classifier.predict(rows.x, verbose=0).astype("float32")
    ask = served(classifier)
    assert ask.signature.structured_input_signature[1]["inputs"].dtype == tf.float32
    found = ask(inputs=rows.x)
    assert found["logits"].dtype == found["probabilities"].dtype == np.float32
    close(found["probabilities" if activation else "logits"], outputs)


def test_whitening_of_the_pipeline_becomes_part_of_the_graph(served, make_classifier, rows):
    whitening = keras_vat.data.ZCAWhitening()
    whitening.adapt(rows.unlabeled)
    classifier = make_classifier()
    found = served(classifier, preprocessing=whitening)(inputs=rows.x)
    close(found["logits"], classifier(whitening(rows.x)))


def test_whitening_inside_the_model(served, make_classifier, rows):
    whitening = keras_vat.data.ZCAWhitening()
    whitening.adapt(rows.unlabeled)
    classifier = keras.Sequential([keras.Input((4,)), whitening, make_classifier()])
    close(served(classifier)(inputs=rows.x)["logits"], classifier(rows.x))


def test_an_example_says_what_preprocessing_is_sent(served, make_classifier):
    pixels = np.arange(12, dtype="uint8").reshape(3, 4)
    classifier = make_classifier()
    ask = served(
        classifier, preprocessing=lambda x: keras.ops.cast(x, "float32") / 255, example=pixels
    )
    close(ask(inputs=pixels)["logits"], classifier(pixels.astype("float32") / 255))


def test_string_inputs_through_a_lookup_table(served, make_classifier):
    lookup = keras.layers.StringLookup(vocabulary=["a", "b", "c"], output_mode="one_hot")
    words = np.array([["a"], ["c"], ["x"]])
    classifier = make_classifier()
    found = served(classifier, preprocessing=lookup, example=words)(inputs=words)
    close(found["logits"], classifier(keras.ops.cast(lookup(tf.constant(words)), "float32")))


def test_open_sizes_are_served_open(served):
    classifier = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    ask = served(classifier, example=np.zeros((1, 8, 8, 3)))
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    close(ask(inputs=x)["logits"], classifier(x))


def test_a_subclassed_classifier(served, rows):
    class Classifier(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs)

    classifier = Classifier()
    classifier(rows.x)
    model = keras_vat.VATModel(classifier, from_logits=True)
    close(served(model)(inputs=rows.x)["logits"], classifier(rows.x))


def test_a_classifier_on_replicas(served, rows):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        classifier = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    close(served(classifier)(inputs=rows.x)["logits"], classifier(rows.x))
