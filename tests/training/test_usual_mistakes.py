"""What is warned about once, with the cure; and what is not."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from keras_vat import SemiSupervisedInputs, VATModel, callbacks, data, regularizers

LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 4, 4, 1)).astype("float32")
CLASSES = np.arange(16) % 3


def vat(epsilon=1.0, **arguments):
    return regularizers.VirtualAdversarialTraining(epsilon, **arguments)


def image_model(*methods):
    keras.utils.set_random_seed(0)
    net = [keras.Input((4, 4, 1)), layers.Rescaling(1 / 255, name="scaled"), layers.Flatten()]
    model = VATModel(keras.Sequential([*net, layers.Dense(3)]), list(methods))
    model.compile("sgd", LOGITS, jit_compile=False)
    return model


def fit(model, x, y=None, **arguments):
    return model.fit(x, y, verbose=0, **arguments)


def test_a_penalty_of_zero_for_an_epoch(make_vat_model, rows):
    model = make_vat_model(vat(1e-6))
    with pytest.warns(UserWarning, match=r"'vat' was zero to rounding.*`epsilon` far too small"):
        fit(model, rows.x, rows.y)
    with warnings.catch_warnings(action="error"):
        fit(model, rows.x, rows.y)


@pytest.mark.parametrize("how", ["arrays", "semi_supervised", "train_on_batch", "eager"])
def test_images_of_0_to_255(how):
    model = image_model(vat(2.0))
    model.run_eagerly = how == "eager"
    with pytest.warns(UserWarning, match=r"of 'vat' moves images.*by 0\.5 levels.*Divide.*by 255"):
        if how in ("arrays", "eager"):
            fit(model, IMAGES, CLASSES)
        elif how == "train_on_batch":
            model.train_on_batch(IMAGES, CLASSES)
        else:
            fit(model, data.semi_supervised((IMAGES, CLASSES), IMAGES, 4, 8))
    with warnings.catch_warnings(action="error"):
        model.train_on_batch(IMAGES, CLASSES)


@pytest.mark.parametrize(
    "methods, x",
    [
        ([vat(2.0)], IMAGES / 255),
        ([vat(600.0)], IMAGES),
        ([vat(0.1, perturb_at="scaled")], IMAGES),
        ([regularizers.AdversarialTraining(8.0, norm="linf")], IMAGES),
        ([regularizers.EntropyMinimization()], IMAGES),
        ([vat(2.0)], IMAGES - 128.0),
    ],
    ids=["of 0 to 1", "large", "behind the scaling", "linf", "without epsilon", "centred"],
)
def test_images_that_epsilon_suits(methods, x):
    fit(image_model(*methods), x, CLASSES)


@pytest.mark.parametrize(
    "policy, averaged, warned",
    [("batch", False, True), ("batch", True, False), ("auto", False, False)],
)
def test_averages_after_few_updates(
    make_classifier, make_vat_model, rows, policy, averaged, warned
):
    settings = {"batch_statistics": policy}
    model = make_vat_model(vat(), make_classifier(batch_norm=True), settings)
    extra = [callbacks.BatchNormReestimation(rows.x, steps=1)] if averaged else None
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fit(model, rows.x, rows.y, callbacks=extra)
        fit(model, rows.x, rows.y, callbacks=extra)
    texts = [str(warning.message) for warning in found if "averages" in str(warning.message)]
    assert len(texts) == warned
    assert not warned or ("1 updates" in texts[0] and "BatchNormReestimation" in texts[0])


def test_a_callback_list_is_taken_as_it_is(make_vat_model, rows):
    model = make_vat_model(vat(1e-6))
    given = keras.callbacks.CallbackList(add_history=True, model=model)
    with pytest.warns(UserWarning, match="zero to rounding"):
        fit(model, rows.x, rows.y, callbacks=given)
    fit(model, rows.x, rows.y, callbacks=given)


class OwnStep(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)

    def train_step(self, *arguments):
        return super().train_step(*arguments)

    def compute_loss(self, *arguments, **others):
        return super().compute_loss(*arguments, **others)


def test_a_classifier_with_a_step_of_its_own():
    with pytest.warns(UserWarning, match=r"`train_step` and `compute_loss`.*penalty\(self, x, y"):
        VATModel(OwnStep(), vat())


def test_several_inputs_are_no_images(make_vat_model):
    inputs = {name: keras.Input((4, 4, 1), name=name) for name in ("a", "b")}
    joined = layers.Flatten()(layers.Concatenate()(list(inputs.values())))
    model = make_vat_model(vat(), keras.Model(inputs, layers.Dense(3)(joined)))
    x = {"a": IMAGES, "b": IMAGES}
    model.train_on_batch(SemiSupervisedInputs(x, x), CLASSES)


@pytest.mark.parametrize("x", [IMAGES, IMAGES.reshape(16, 16)], ids=["images", "rows"])
def test_inputs_outside_of_clip(x):
    net = keras.Sequential([layers.Flatten(), layers.Dense(3)])
    model = VATModel(net, vat(300.0, clip=(0.0, 1.0)))
    model.compile("sgd", LOGITS, jit_compile=False)
    with pytest.warns(UserWarning, match=r"`clip` of 'vat' is not the range.*from 0 to 25\d"):
        fit(model, x, CLASSES)
    with warnings.catch_warnings(action="error"):
        fit(model, x, CLASSES)


@pytest.mark.parametrize("settings", [{"clip": (0.0, 255.0)}, {"perturb_at": "scaled"}])
def test_inputs_inside_of_clip(settings):
    method = vat(**{"epsilon": 300.0, "clip": (0.0, 1.0), **settings})
    with warnings.catch_warnings(action="error"):
        fit(image_model(method), IMAGES, CLASSES)


def test_datasets_zipped_without_semi_supervised_inputs(tf):
    labeled = tf.data.Dataset.from_tensor_slices((IMAGES, CLASSES)).batch(4)
    unlabeled = tf.data.Dataset.from_tensor_slices(IMAGES).batch(8)
    with pytest.raises(ValueError, match=r"one input in each batch.*SemiSupervisedInputs"):
        fit(image_model(vat(2.0)), tf.data.Dataset.zip(labeled, unlabeled))


@pytest.mark.filterwarnings("error:.*shuffle=True")
@pytest.mark.parametrize("kind", ["semi_supervised", "generator"])
def test_batches_in_an_order_of_their_own(kind):
    batches = data.semi_supervised((IMAGES / 255, CLASSES), IMAGES / 255, 4, 8, seed=0)
    if kind == "generator":
        batches = (element for element in list(batches))
    fit(image_model(vat(2.0)), batches, steps_per_epoch=1)
