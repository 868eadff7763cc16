"""`tf.train.Checkpoint` and its manager hold a whole run, as Keras's own files do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_vat import VATModel, regularizers


def build():
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential(
        [keras.Input((4,)), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3)]
    )
    vat = regularizers.VirtualAdversarialTraining(epsilon=1.0)
    model = VATModel(classifier, [vat, regularizers.RandomPerturbationTraining(0.5)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def test_a_run_goes_on_bit_equal(tmp_path, rows):
    model = build()
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(model=model), tmp_path, 2)
    model.train_on_batch(rows.x, rows.y)
    model.regularizers[0].epsilon = 0.75
    manager.save()
    expected = [model.train_on_batch(rows.x, rows.y) for _ in range(2)]

    other = build()
    other.train_on_batch(rows.x[::-1], rows.y)  # any state but the saved one
    status = tf.train.Checkpoint(model=other).restore(manager.latest_checkpoint)
    status.assert_existing_objects_matched()
    assert float(other.regularizers[0].epsilon) == 0.75
    assert [other.train_on_batch(rows.x, rows.y) for _ in range(2)] == expected
    for now, then in zip(other.variables, model.variables, strict=True):
        np.testing.assert_array_equal(now.value, then.value)


def test_numbers_go_to_the_regularizer_of_that_name(tmp_path):
    def model(*names):
        methods = [regularizers.get(name, epsilon=float(len(name))) for name in names]
        methods[0].epsilon = 7.0
        return VATModel(keras.Sequential([keras.Input((4,)), layers.Dense(3)]), methods)

    path = tf.train.Checkpoint(model=model("vat", "rpt")).save(tmp_path / "checkpoint")
    other = model("rpt", "vat")
    tf.train.Checkpoint(model=other).restore(path).assert_existing_objects_matched()
    assert [float(r.epsilon) for r in other.regularizers] == [3.0, 7.0]


def test_a_damaged_checkpoint_is_refused_and_the_one_before_is_read(tmp_path, rows):
    model = build()
    checkpoint = tf.train.Checkpoint(model=model)
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, 2)
    for _ in range(2):
        model.train_on_batch(rows.x, rows.y)
        manager.save()
    expected = model.train_on_batch(rows.x, rows.y)
    first, second = manager.checkpoints
    for path in tmp_path.glob(second.rsplit("/", 1)[-1] + ".*"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises((tf.errors.OpError, ValueError)):
        checkpoint.restore(second)
    checkpoint.restore(first).assert_existing_objects_matched()
    model.train_on_batch(rows.x, rows.y)
    assert model.train_on_batch(rows.x, rows.y) == expected
