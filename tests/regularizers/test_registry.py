"""Regularizers by name."""

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
