"""Mistakes are refused where they are made, with the argument's name and the cure."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_vat import SemiSupervisedInputs, VATModel, regularizers


def vat(**arguments):
    return regularizers.VirtualAdversarialTraining(**{"epsilon": 0.5, **arguments})


@pytest.mark.parametrize("classifier", [layers.Dense(3), lambda x: x, "mobilenet", None])
def test_what_is_no_model(classifier):
    with pytest.raises(TypeError, match=r"`classifier` must be a keras.Model. Received: .*of type"):
        VATModel(classifier, vat())


def test_a_vat_model_in_a_vat_model(make_classifier):
    with pytest.raises(TypeError, match="`classifier` must be the classifier itself.*a VATModel"):
        VATModel(VATModel(make_classifier(), vat()), vat())


@pytest.mark.parametrize("wrong", [keras.regularizers.L2(0.1), None, [vat(), 3]])
def test_what_is_no_regularizer(make_classifier, wrong):
    with pytest.raises(TypeError, match=r"`regularizers` must be a keras_vat regularizer.*of type"):
        VATModel(make_classifier(), wrong)


def test_regularizers_of_one_name(make_classifier):
    with pytest.raises(ValueError, match=r"`regularizers` must have different names.*set `name`"):
        VATModel(make_classifier(), [vat(), vat(epsilon=1.0)])
    VATModel(make_classifier(), [vat(), vat(epsilon=1.0, name="wide")])


@pytest.mark.parametrize("name", ["loss", "supervised_loss", "skipped_steps"])
def test_regularizers_with_names_of_the_logs(make_classifier, name):
    with pytest.raises(ValueError, match="`regularizers` must not have the names"):
        VATModel(make_classifier(), vat(name=name))


@pytest.mark.parametrize(
    "argument, value",
    [
        ("output", "softmax"),
        ("batch_statistics", "frozen"),
        ("from_logits", "yes"),
        ("from_logits", 1),
    ],
)
def test_unknown_choices(make_classifier, argument, value):
    with pytest.raises(ValueError, match=rf"`{argument}` must be .*Received: {argument}={value!r}"):
        VATModel(make_classifier(), vat(), **{argument: value})


def test_uncompiled_fit_gives_keras_error(make_classifier, rows):
    with pytest.raises(ValueError, match=r"You must call `compile\(\)` before"):
        VATModel(make_classifier(), vat()).fit(rows.x, rows.y)


def test_missing_labels(make_vat_model, rows):
    model = make_vat_model(regularizers.AdversarialTraining(0.1, name="fgsm"))
    with pytest.raises(
        ValueError, match=r"`y` is needed by 'fgsm' \(AdversarialTraining\).*y=None"
    ):
        model.fit(rows.x, verbose=0)


@pytest.mark.parametrize(
    "unlabeled, described",
    [
        (lambda x: x[:, :2], r"float32\(2,\)"),
        (lambda x: x.astype("int32"), r"int32\(4,\)"),
        (lambda x: x[..., None], r"float32\(4, 1\)"),
        (lambda x: {"a": x}, r"\{'a': 'float32\(4,\)'\}"),
        (lambda x: [x, x], r"\['float32\(4,\)', 'float32\(4,\)'\]"),
        (lambda x: None, "None"),
    ],
)
def test_unlike_labelled_and_unlabelled_rows(make_vat_model, rows, unlabeled, described):
    x = SemiSupervisedInputs(rows.x, unlabeled(rows.unlabeled))
    with pytest.raises(
        ValueError,
        match=r"`labeled` and `unlabeled` inputs must have the same structure.*"
        rf"labeled=float32\(4,\), unlabeled={described}",
    ):
        make_vat_model(vat(), run_eagerly=True).train_on_batch(x, rows.y)


def test_entropy_of_a_regression(make_vat_model, rows):
    model = make_vat_model(regularizers.EntropyMinimization(), loss="mse")
    with pytest.raises(ValueError, match="`EntropyMinimization` needs a classifier.*'gaussian'"):
        model.train_on_batch(rows.x, rows.x[:, :3])


def test_labels_of_the_wrong_shape(make_vat_model, rows):
    method = regularizers.AdversarialTraining(0.1)
    model = make_vat_model(method)
    with pytest.raises(ValueError, match=r"`y` must be class numbers .*y.shape=\(12, 2\)"):
        method.penalty(model.classifier, rows.x, np.ones((12, 2)))


def test_undecidable_output_in_a_compiled_fit(make_vat_model, rows):
    class Opaque(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return keras.ops.exp(keras.ops.log_softmax(self.dense(x)))

    def likelihood(y, p):
        return -keras.ops.mean(keras.ops.log(p[:, 0]))

    model = make_vat_model(vat(), Opaque(), loss=likelihood)
    with pytest.raises(ValueError, match="logits or probabilities.*from_logits=None"):
        model.fit(rows.x, rows.y, verbose=0)
    model = make_vat_model(vat(), Opaque(), {"from_logits": False}, loss=likelihood)
    assert model.train_on_batch(rows.x, rows.y, return_dict=True)["vat"] > 0


def test_missing_labels_of_the_compiled_loss(make_vat_model, rows):
    with pytest.raises(ValueError, match="`y` is needed by the compiled loss.*semi_supervised"):
        make_vat_model(vat()).train_on_batch(rows.x)


def test_from_logits_that_contradicts_the_classifier_warns(make_classifier, rows):
    model = VATModel(make_classifier("softmax"), vat(), from_logits=True)
    with pytest.warns(UserWarning, match="`from_logits=True` contradicts .*'softmax'"):
        model.forward().read(rows.x)


def test_epsilon_and_weight_can_not_be_set_below_zero():
    regularizer = vat()
    with pytest.raises(ValueError, match="`epsilon` must be .*Received: epsilon=-1.0"):
        regularizer.epsilon = -1.0
    with pytest.raises(ValueError, match="`weight` must be .*Received: weight=-1.0"):
        regularizer.weight = -1.0


def test_one_example_in_the_place_of_a_batch_is_refused():
    inputs = keras.Input((6, 6, 1))
    outputs = layers.Dense(3)(layers.Flatten()(layers.Conv2D(2, 3)(inputs)))
    x = np.ones((6, 6, 1), "float32")
    for classifier in (keras.Model(inputs, outputs), VATModel(keras.Model(inputs, outputs))):
        with pytest.raises(ValueError, match=r"`x` must be a batch.*`x\[None\]`.*Received: x of"):
            vat().penalty(classifier, x)
        assert np.isfinite(vat().penalty(classifier, x[None]))
        # Keras reads images without their axis of channels, and so do the methods.
        assert np.isfinite(vat().penalty(classifier, np.ones((2, 6, 6), "float32")))


def test_a_classifier_made_outside_of_the_strategys_scope_is_refused(tf, make_classifier, rows):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier, regularizer = make_classifier(), vat()
    with strategy.scope():
        outside, inside = VATModel(classifier), VATModel(make_classifier(), regularizer)
        for model in (outside, inside):
            model.compile("sgd", loss, jit_compile=False)
    with pytest.raises(ValueError, match="`classifier` must be made in.*Received: weight 'seq"):
        outside.fit(rows.x, rows.y, verbose=0)
    assert np.isfinite(inside.fit(rows.x, rows.y, verbose=0).history["vat"]).all()
