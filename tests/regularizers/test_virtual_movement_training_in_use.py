"""Virtual movement training in a model: unlabelled rows, weights, own fields, errors."""

import keras
import numpy as np
import pytest
from golden.lattices import batch, convolutional_net, linear_softmax

import keras_vat
from keras_vat.movement_fields import MovementField
from keras_vat.regularizers import VirtualMovementTraining


def compiled(classifier, regularizer):
    model = keras_vat.VATModel(classifier, regularizer)
    model.compile(
        keras.optimizers.SGD(0.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def test_semi_supervised_steps_use_the_unlabelled_rows_without_labels():
    classifier = convolutional_net((5, 6, 1))
    x, y = batch((5, 6, 1), classes=3)
    unlabeled, _ = batch((5, 6, 1), rows=11)
    model = compiled(classifier, VirtualMovementTraining("shift"))
    inputs = keras_vat.SemiSupervisedInputs(x, unlabeled)
    logs = model.train_on_batch(inputs, y, return_dict=True)
    fisher = VirtualMovementTraining("shift", form="fisher")
    assert logs["vmt"] == pytest.approx(float(fisher.penalty(model, unlabeled)), rel=1e-5)
    model = compiled(classifier, VirtualMovementTraining("shift", form="loss"))
    logs = model.train_on_batch(inputs, y, return_dict=True)
    assert logs["vmt"] == pytest.approx(float(model.regularizers[0].penalty(model, x, y)), rel=1e-5)


def test_sample_weights_apply_where_labels_are_used():
    classifier = convolutional_net((5, 6, 1))
    x, y = batch((5, 6, 1), classes=3)
    weights = np.array([2.0, 0, 0, 0, 0, 0])
    vmt = VirtualMovementTraining("shift")
    first = float(vmt.penalty(classifier, x[:1], y[:1]))
    assert float(vmt.penalty(classifier, x, y, weights)) == pytest.approx(2 * first / 6)
    model = compiled(classifier, vmt)
    logs = model.train_on_batch(x, y, sample_weight=weights, return_dict=True)
    assert logs["vmt"] == pytest.approx(2 * first / 6, rel=1e-5)


@keras.saving.register_keras_serializable(package="tests")
class Shear(MovementField):
    def directions(self, lattice):
        shear = np.zeros((1, *lattice, 2))
        shear[..., 1] = np.arange(lattice[0])[:, None] - (lattice[0] - 1) / 2
        return shear


def test_a_field_of_ones_own_is_used_and_saved(tmp_path):
    classifier = convolutional_net((5, 6, 1))
    x, y = batch((5, 6, 1), classes=3)
    vmt = VirtualMovementTraining([Shear(), "shift"], combination="mean")
    assert set(vmt.movement(classifier, x, y)) == {"Shear", "shift"}
    model = compiled(classifier, vmt)
    model.train_on_batch(x, y)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    penalties = [float(m.regularizers[0].penalty(m, x, y)) for m in (model, loaded)]
    assert penalties[0] == penalties[1] > 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"fields": "shear"}, ValueError, "`fields` must be among"),
        ({"fields": 3}, TypeError, "`fields` must be a name, a MovementField, or a list"),
        ({"fields": []}, ValueError, "`fields` must hold at least one field"),
        ({"fields": ["shift", "shift"]}, ValueError, "whose names are .*'shift', 'shift'"),
        ({"combination": "sum"}, ValueError, "`combination` must be one of"),
        ({"form": "kl"}, ValueError, "`form` must be one of"),
        ({"data_format": "NHWC"}, ValueError, "`data_format` must be one of"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        VirtualMovementTraining(**arguments)


def test_the_loss_needs_labels_and_a_lattice():
    classifier, _ = linear_softmax((9, 2))
    x, y = batch((9, 2))
    with pytest.raises(ValueError, match="`y` is needed by 'vmt'"):
        VirtualMovementTraining(form="loss").penalty(classifier, x)
    flat = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    with pytest.raises(ValueError, match="must lie on a lattice"):
        VirtualMovementTraining().penalty(flat, np.ones((2, 4), "float32"), y[:2])
