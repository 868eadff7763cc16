"""What `VATClassifier` does with rows, labels and its parameters."""

import functools

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import keras_vat
from keras_vat import regularizers


def test_learns_and_tells_what_it_learned(table, make):
    classifier = make(updates=60).fit(table.x, table.y)
    assert classifier.score(table.x, table.true) > 0.95
    np.testing.assert_array_equal(classifier.classes_, [0, 1, 2])
    assert classifier.n_features_in_ == 4
    assert set(classifier.history_) == {"loss", "supervised_loss", "vat", "accuracy"}
    assert isinstance(classifier.model_, keras_vat.VATModel)
    assert int(classifier.model_.optimizer.iterations) == 60
    probabilities = classifier.predict_proba(table.x)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), classifier.predict(table.x))
    # What the trained model itself says.
    logits = classifier.model_.predict(table.x, verbose=0)
    np.testing.assert_allclose(keras.ops.softmax(logits), probabilities, atol=1e-6)


NAMES = np.array(["ash", "elm", "oak"])


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (lambda y: np.where(y < 0, -1, 10 - y), [8, 9, 10]),
        (lambda y: np.where(y < 0, -1.0, y), [0.0, 1.0, 2.0]),
        (lambda y: np.where(y < 0, "-1", NAMES[y]), NAMES),  # as np.array(["ash", -1]) is
        (lambda y: np.where(y < 0, -1, NAMES[y].astype(object)), NAMES),
        (lambda y: pd.Series(np.where(y < 0, "-1", NAMES[y]), dtype="category"), NAMES),
        (lambda y: y.tolist(), [0, 1, 2]),
    ],
    ids=["integers", "floats", "strings", "objects", "categories", "list"],
)
def test_labels_of_any_kind(labels, classes, table, make):
    classifier = make().fit(table.x, labels(table.y))
    np.testing.assert_array_equal(classifier.classes_, classes)
    assert np.mean(classifier.predict(table.x) == np.asarray(labels(table.true))) > 0.9


def test_data_frames(table, make):
    frame = pd.DataFrame(table.x, columns=["a", "b", "c", "d"])
    classifier = make().fit(frame, pd.Series(table.y))
    assert classifier.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    expected = make().fit(table.x, table.y).predict_proba(table.x)
    np.testing.assert_array_equal(classifier.predict_proba(frame), expected)
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(frame[["b", "a", "c", "d"]])


def test_images(table, make, small):
    images = table.x.reshape(-1, 2, 2, 1)
    classifier = make(small).fit(images, table.y)
    assert classifier.predict_proba(images).shape == (90, 3)
    with pytest.raises(ValueError, match=r"rows of shape \(2, 2, 2\), in `fit` \(2, 2, 1\)"):
        classifier.predict(np.repeat(images, 2, axis=-1))


def test_scores_rows_with_labels_only(table, make):
    classifier = make().fit(table.x, table.y)
    known = table.y >= 0
    weights = np.linspace(0.5, 2.0, 90)
    assert classifier.score(table.x, table.y) == classifier.score(table.x[known], table.y[known])
    assert classifier.score(table.x, table.y, weights) == classifier.score(
        table.x[known], table.y[known], weights[known]
    )
    with pytest.raises(ValueError, match="`y` must have labels to score by"):
        classifier.score(table.x, np.full(90, -1))


def test_a_column_a_hundred_times_larger_is_warned_of(table, make):
    with pytest.warns(UserWarning, match=r"differ a hundredfold.*StandardScaler") as warned:
        make(updates=1).fit(table.x * [1.0, 1.0, 1.0, 1000.0], table.y)
    told = [one for one in warned if issubclass(one.category, UserWarning)]
    assert len(told) == 1 and told[0].filename == __file__
    rare = (np.arange(90) == 0).astype("float32")  # the only one of its category
    make(updates=1).fit(np.c_[table.x[:, :3] * 10, rare], table.y)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "entropy",
        lambda **given: regularizers.VirtualAdversarialTraining(perturb_at="hidden", **given),
        lambda **given: regularizers.VirtualAdversarialTraining(scale=np.ones(4), **given),
    ],
    ids=["none", "entropy", "layer", "scale"],
)
def test_columns_are_compared_only_where_one_epsilon_is_for_them(given, table, make):
    def net(input_shape, num_classes):
        hidden = keras.layers.Dense(8, name="hidden")
        return keras.Sequential([keras.Input(input_shape), hidden, keras.layers.Dense(num_classes)])

    make(net, regularizer=given, updates=1).fit(table.x * [1.0, 1.0, 1.0, 1000.0], table.y)


def test_one_class_for_all_rows_without_labels_is_warned_of(table, make):
    def deaf(input_shape, num_classes):
        nothing = keras.layers.Dense(1, kernel_initializer="zeros", trainable=False)
        return keras.Sequential(
            [keras.Input(input_shape), nothing, keras.layers.Dense(num_classes)]
        )

    drowned = make(deaf, regularizer="entropy", weight=2.0, updates=100)
    with pytest.warns(UserWarning, match=r"of 78 rows without a label.*weight=2.0") as warned:
        drowned.fit(table.x, table.y)
    (told,) = [one for one in warned if issubclass(one.category, UserWarning)]
    assert told.filename == __file__
    (only,) = set(drowned.predict(table.x))
    start = f"78 of 78 rows without a label are predicted to be of class {only}, as 33% of"
    assert str(told.message).startswith(start)
    make(regularizer="entropy", updates=100).fit(table.x, table.y)
    make(deaf, regularizer=None, updates=100).fit(table.x, table.y)
    make(deaf, regularizer="entropy", updates=99).fit(table.x, table.y)


def test_one_class_for_all_rows_is_right_where_labels_say_so(table, make):
    of_one = table.true == 0
    x = np.concatenate([table.x[:12], np.repeat(table.x[of_one], 3, axis=0)])
    most = np.concatenate([table.y[:12], np.full(3 * of_one.sum(), -1)])
    most[12:42] = 0  # three quarters of the labels
    make(updates=100).fit(x, most)


@pytest.mark.filterwarnings("ignore:`(epsilon|weight)` has no effect:UserWarning")
@pytest.mark.parametrize(
    ("given", "counts"),
    [
        (regularizers.VirtualAdversarialTraining(0.5, weight=0.3), {"vat": (0.5, 0.3)}),
        (["vat", "entropy"], {"vat": (2.0, 0.7), "entropy": (None, 0.7)}),
        (["rpt", regularizers.EntropyMinimization()], {"rpt": (2.0, 0.7), "entropy": (None, 1.0)}),
        (None, {}),
    ],
    ids=["object", "names", "both", "none"],
)
def test_regularizers(given, counts, table, make):
    classifier = make(regularizer=given, epsilon=2.0, weight=0.7, updates=10)
    model = classifier.fit(table.x, table.y).model_
    found = {one.name: one for one in model.regularizers}
    assert set(found) == set(counts) and set(counts) < set(classifier.history_)
    for name, (epsilon, weight) in counts.items():
        assert float(found[name].weight) == pytest.approx(weight)
        assert epsilon is None or float(found[name].epsilon) == pytest.approx(epsilon)
    for one in given if isinstance(given, list) else [given]:
        assert all(one is not used for used in model.regularizers)


def test_the_users_objects_stay_as_they_are(table, make, small):
    model, optimizer = small((4,), 3), keras.optimizers.Adam(0.01)
    vat = regularizers.VirtualAdversarialTraining(0.5, seed=3)
    before = [np.array(one) for one in (*model.get_weights(), vat.epsilon)]
    classifier = make(model, optimizer=optimizer, regularizer=vat).fit(table.x, table.y)
    after = [np.array(one) for one in (*model.get_weights(), vat.epsilon)]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
    assert not optimizer.built and classifier.model_.optimizer is not optimizer
    assert classifier.model_.classifier is not model


def test_optimizers(table, make):
    rate = keras.optimizers.schedules.CosineDecay(0.01, 40)
    for optimizer, kind in (("sgd", "SGD"), (keras.optimizers.RMSprop(rate), "RMSprop")):
        classifier = make(optimizer=optimizer).fit(table.x, table.y)
        assert type(classifier.model_.optimizer).__name__ == kind
    assert float(classifier.model_.optimizer.learning_rate) == pytest.approx(0.0, abs=1e-6)


def test_a_model_that_keras_can_not_make_again(table, make):
    class Own(keras.Model):
        def __init__(self, num_classes, scale):
            super().__init__()
            self.scale, self.dense = scale, keras.layers.Dense(num_classes)

        def call(self, x):
            return self.dense(self.scale(x))

    classifier = make(
        lambda input_shape, num_classes: Own(num_classes, lambda x: 2.0 * x),
        optimizer=keras.optimizers.Adam(0.1),
    )
    assert classifier.fit(table.x, table.y).score(table.x, table.true) > 0.8


def ends_in_two(input_shape, num_classes):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(2)])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"updates": 0}, ValueError, "`updates` must be at least 1. Received: updates=0"),
        ({"unlabeled_batch_size": 1.5}, TypeError, "`unlabeled_batch_size` must be an integer"),
        ({"epsilon": -1.0}, ValueError, "`epsilon` must be a finite number above 0"),
        ({"regularizer": "vta"}, ValueError, "`regularizer` must be one of .*Received: .*'vta'"),
        ({"regularizer": "fat"}, ValueError, r"needs `radius`: give .*FastAdversarialTraining\("),
        ({"regularizer": 3}, TypeError, "must be a name, a keras_vat regularizer, .*=3$"),
        ({"model": ends_in_two}, ValueError, r"end in 3 logits.*outputs of shape \('batch', 2\)"),
        ({"model": "net"}, TypeError, "`model` must be None, a Keras model, .*model='net'$"),
        ({"model": lambda *_: None}, TypeError, "which returned None"),
    ],
)
def test_wrong_parameters(parameters, error, message, table, make):
    with pytest.raises(error, match=message):
        make(**parameters).fit(table.x, table.y)


def test_wrong_labels(table, make):
    with pytest.raises(ValueError, match="`y` must have labels. Received: y with labels of -1"):
        make().fit(table.x, np.full(90, -1))
    with pytest.raises(ValueError, match=r"at least two classes besides -1.*one class, \[1\]"):
        make().fit(table.x, np.where(table.true == 1, 1, -1))
    with pytest.raises(NotFittedError):
        make().predict(table.x)


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_missing_labels_are_to_be_minus_one(table, make, missing):
    y = np.where(table.y < 0, missing, table.y.astype(object))
    if missing is np.nan:
        y = y.astype("float64")
    with pytest.raises(ValueError, match=r"Input y contains NaN.*has -1.*missing labels"):
        make().fit(table.x, y)


def test_sparse_rows_are_made_dense(table, make):
    sparse = scipy.sparse.csr_array(table.x)
    classifier = make(updates=10, random_state=0).fit(sparse, table.y)
    dense = make(updates=10, random_state=0).fit(table.x, table.y)
    np.testing.assert_array_equal(classifier.predict_proba(sparse), dense.predict_proba(table.x))


def test_what_makes_a_regularizer_gets_epsilon_and_weight(table, make):
    scale = table.x.std(axis=0)
    kind = regularizers.VirtualAdversarialTraining
    made = make(
        regularizer=functools.partial(kind, scale=scale), epsilon=0.3, weight=2.0, updates=10
    )
    (method,) = clone(made).fit(table.x, table.y).model_.regularizers
    assert float(method.epsilon) == np.float32(0.3) and float(method.weight) == 2.0
    np.testing.assert_array_equal(method.get_config()["scale"], scale.astype("float32"))
    with pytest.raises(TypeError, match=r"`regularizer` must be a name.*returned 3"):
        make(regularizer=lambda epsilon: 3).fit(table.x, table.y)
    with pytest.raises(ValueError, match=r"needs `radius`.*functools\.partial\(Fast"):
        make(regularizer=regularizers.FastAdversarialTraining).fit(table.x, table.y)


@pytest.mark.parametrize("name", ["epsilon", "weight"])
def test_a_number_that_an_object_does_not_take(table, make, name):
    vat = regularizers.VirtualAdversarialTraining(1.0)
    with pytest.warns(UserWarning, match=rf"`{name}` has no effect.*Received: {name}=0\.5"):
        make(regularizer=vat, updates=10, **{name: 0.5}).fit(table.x, table.y)
