"""Regularizers by name."""

import keras
import pytest

import keras_vat
from keras_vat.regularizers.registry import REGULARIZERS, register


def test_contract_names():
    for name, cls in {
        "at": keras_vat.regularizers.AdversarialTraining,
        "rpt": keras_vat.regularizers.RandomPerturbationTraining,
        "vat": keras_vat.regularizers.VirtualAdversarialTraining,
        "entropy": keras_vat.regularizers.EntropyMinimization,
    }.items():
        assert REGULARIZERS[name] is cls


def test_get_makes_a_regularizer():
    vat = keras_vat.regularizers.get("vat", epsilon=2.0, weight=0.5, name="wide")
    assert isinstance(vat, keras_vat.regularizers.VirtualAdversarialTraining)
    assert (vat.name, float(vat.epsilon), float(vat.weight)) == ("wide", 2.0, 0.5)


def test_get_by_keyword():
    assert keras_vat.regularizers.get(name="entropy").name == "entropy"


@pytest.mark.parametrize("name", ["virtual", None, ["vat"]])
def test_unknown_names(name):
    with pytest.raises(ValueError, match=r"`name` must be one of \['at', .*'vat'.*Received: name="):
        keras_vat.regularizers.get(name)


def test_a_registered_method_joins(monkeypatch):
    monkeypatch.setattr("keras_vat.regularizers.registry.REGULARIZERS", {})

    @register("mine")
    class Mine(keras_vat.regularizers.Regularizer):
        pass

    assert isinstance(keras_vat.regularizers.get("mine"), Mine)
    assert keras_vat.regularizers.get("mine").name == "mine"


def test_a_taken_name_is_refused():
    with pytest.raises(ValueError, match="`name` is taken: .*Received: name='vat'"):

        @register("vat")
        class Mine(keras_vat.regularizers.Regularizer):
            pass


def test_a_method_of_ones_own_is_saved_and_loaded(monkeypatch, tmp_path, make_classifier, rows):
    monkeypatch.setattr("keras_vat.regularizers.registry.REGULARIZERS", {})

    @register("shifted", package="tests")
    class ShiftConsistency(keras_vat.regularizers.Regularizer):
        def __init__(self, size=0.1, **kwargs):
            super().__init__(**kwargs)
            self.size = size

        def per_example(self, forward, x, y):
            clean = forward.clean(x)
            return clean.distribution.kl(clean.target, forward.logits(x + self.size))

        def get_config(self):
            return {**super().get_config(), "size": self.size}

    model = keras_vat.VATModel(make_classifier(), ShiftConsistency(size=0.3, weight=0.5))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert model.fit(rows.x, rows.y, verbose=0).history["shifted"][0] > 0
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert (loaded.regularizers[0].size, float(loaded.regularizers[0].weight)) == (0.3, 0.5)


def test_a_method_must_give_one_penalty_for_each_row(make_classifier, rows):
    class Scalar(keras_vat.regularizers.Regularizer):
        def per_example(self, forward, x, y):
            return keras.ops.mean(x)

    with pytest.raises(ValueError, match=r"`per_example` of .* must return .*shape \(\)"):
        Scalar(name="scalar").penalty(make_classifier(), rows.x)
    with pytest.raises(NotImplementedError, match="Regularizer must implement `per_example`"):
        keras_vat.regularizers.Regularizer(name="bare").penalty(make_classifier(), rows.x)


def test_a_model_takes_names_of_methods_that_need_no_number(make_classifier):
    model = keras_vat.VATModel(make_classifier(), "entropy")
    assert isinstance(model.regularizers[0], keras_vat.regularizers.EntropyMinimization)
    vat = keras_vat.regularizers.get("vat", epsilon=1.0)
    model = keras_vat.VATModel(make_classifier(), [vat, "entropy"])
    assert [regularizer.name for regularizer in model.regularizers] == ["vat", "entropy"]


@pytest.mark.parametrize("given", ["vat", ["entropy", "vat"]])
def test_a_number_that_is_missing(make_classifier, given):
    cure = (
        r"`epsilon` must be given to 'vat': keras_vat\.regularizers\.get\('vat', epsilon=\.\.\.\) "
        r"or keras_vat\.regularizers\.VirtualAdversarialTraining\(epsilon=\.\.\.\)"
    )
    with pytest.raises(TypeError, match=cure):
        keras_vat.VATModel(make_classifier(), given)


def test_several_numbers_that_are_missing():
    with pytest.raises(TypeError, match=r"`epsilon` and `radius` must be given.*epsilon=.*radius="):
        keras_vat.regularizers.get("fat", weight=1.0)
