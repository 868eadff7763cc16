"""Labels in a list or a tuple of one, as Keras takes them for a model of one output."""

import keras
import numpy as np
import pytest

import keras_vat
from keras_vat.forward.labels import only_one
from keras_vat.regularizers import AdversarialTraining, VirtualMovementTraining

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
WAYS = {"list": lambda y: [y], "tuple": lambda y: (y,)}
in_one = pytest.mark.parametrize("way", WAYS)


@in_one
@pytest.mark.parametrize("loss", [LOSS, [LOSS]], ids=["loss", "list"])
def test_training_is_that_of_the_labels_themselves(make_vat_model, rows, way, loss):
    histories = []
    for y in (rows.y, WAYS[way](rows.y)):
        model = make_vat_model(AdversarialTraining(0.5), loss=loss, metrics=["accuracy"])
        histories.append(model.fit(rows.x, y, batch_size=4, shuffle=False, verbose=0).history)
    assert histories[0] == histories[1]


@in_one
def test_labels_that_are_no_classes_are_named(make_vat_model, rows, way):
    """On JAX plain Keras takes their loss for 0."""
    model = make_vat_model(AdversarialTraining(0.5), loss=[LOSS])
    for method in (model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match="class numbers below 3, the number of the classifier"):
            method(rows.x, WAYS[way](rows.y + 7))
        with pytest.raises(ValueError, match="class numbers from 0 on"):
            method([rows.x], WAYS[way](rows.y - 1))
    with pytest.raises(TypeError, match="`y` must be class numbers; make them of names"):
        model.fit(rows.x, WAYS[way](np.array(["a", "b", "c"])[rows.y]))


def test_by_hand_also_in_a_dictionary_of_one(make_classifier, rows):
    classifier = make_classifier()
    at, perturbation = AdversarialTraining(0.5), AdversarialTraining(0.5).perturbation
    images = rows.x[:, :, None]
    flat = keras.Sequential([keras.Input((4, 1)), keras.layers.Flatten(), classifier])
    vmt = VirtualMovementTraining("shift")
    for labels in ([rows.y], (rows.y,), {"logits": rows.y}, {"logits": [rows.y]}):
        assert at.penalty(classifier, rows.x, labels) == at.penalty(classifier, rows.x, rows.y)
        np.testing.assert_array_equal(
            perturbation(classifier, rows.x, labels), perturbation(classifier, rows.x, rows.y)
        )
        assert vmt.penalty(flat, images, labels) == vmt.penalty(flat, images, rows.y)
        np.testing.assert_array_equal(
            vmt.movement(flat, images, labels)["shift"][0],
            vmt.movement(flat, images, rows.y)["shift"][0],
        )


def test_evaluations_see_through_a_list(make_classifier, rows):
    models = {"one": make_classifier()}
    found, expected = (
        keras_vat.evaluation.robustness_curve(models, rows.x, y, [0.5]).errors
        for y in ([rows.y], rows.y)
    )
    np.testing.assert_array_equal(found, expected)


def test_only_structures_of_one_array_are_seen_through():
    y = np.zeros(3)
    assert only_one([y]) is y and only_one({"a": (y,)}) is y and only_one(y) is y
    for other in ([y, y], [5], (), None, (None, 3), {"a": y, "b": y}):
        assert only_one(other) is other
    assert only_one([(None, 3)]) == (None, 3)
