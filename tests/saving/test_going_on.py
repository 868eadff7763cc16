"""Stopped anywhere and by anything, a run goes on with the numbers it would have had."""

import os
import signal

import keras
import numpy as np
import pytest
from golden.quick import QUICK
from keras import layers

from keras_vat import VATModel, regularizers
from keras_vat.data import semi_supervised

STEPS = 4  # of an epoch of the fixture's 12 rows


def build(**settings):
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, "tanh"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3),
        ]
    )
    model = VATModel(
        classifier,
        [
            regularizers.VirtualAdversarialTraining(epsilon=1.0),
            regularizers.FastAdversarialTraining(epsilon=0.5, radius=1.0),
        ],
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, **(settings or {"jit_compile": False}))
    return model


def fit(model, rows, *callbacks, epochs=3, **arguments):
    return model.fit(
        rows.x,
        rows.y,
        batch_size=3,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
        **arguments,
    ).history


def state(model):
    return [np.array(variable.value) for variable in model.variables + model.optimizer.variables]


def assert_same_state(model, expected):
    for actual, value in zip(state(model), expected, strict=True):
        np.testing.assert_array_equal(actual, value)


@pytest.fixture(scope="module")
def whole_run(rows):
    """The history and the last state of three epochs in one go."""
    model = build()
    return fit(model, rows), state(model)


@pytest.fixture(scope="module")
def checkpoints(rows, tmp_path_factory, whole_run):
    """Files of both kinds, written after every epoch of a run."""
    folder, model = tmp_path_factory.mktemp("checkpoints"), build()
    files = {"weights": folder / "{epoch}.weights.h5", "whole": folder / "{epoch}.keras"}
    callbacks = [
        keras.callbacks.ModelCheckpoint(str(path), save_weights_only=kind == "weights")
        for kind, path in files.items()
    ]
    assert fit(model, rows, *callbacks) == whole_run[0]
    return {kind: str(path) for kind, path in files.items()}


class StopAt(keras.callbacks.Callback):
    """Stops in the middle of an epoch, as told."""

    def __init__(self, stop, step=STEPS + 1):
        super().__init__()
        self.stop, self.left = stop, step

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.stop()


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", ["weights", "whole"])
@pytest.mark.parametrize("epoch", [1, 2])
def test_from_a_checkpoint(checkpoints, rows, whole_run, kind, epoch):
    path = checkpoints[kind].format(epoch=epoch)
    if kind == "weights":
        model = build()
        model.load_weights(path)
    else:
        model = keras.saving.load_model(path)
    history = fit(model, rows, initial_epoch=epoch)
    assert history == {name: values[epoch:] for name, values in whole_run[0].items()}
    assert_same_state(model, whole_run[1])


def test_from_a_backup_after_an_interrupt(tmp_path, rows, whole_run):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    with pytest.raises(KeyboardInterrupt):
        fit(build(), rows, backup(), StopAt(interrupt, 2 * STEPS + 1))
    model = build()
    history = fit(model, rows, backup())
    assert history == {name: values[2:] for name, values in whole_run[0].items()}
    assert_same_state(model, whole_run[1])


def test_from_a_backup_that_is_damaged(tmp_path, rows, whole_run):
    """Keras keeps the backup before; so a damaged file costs one epoch."""
    folder = tmp_path / "backup"
    with pytest.raises(KeyboardInterrupt):
        fit(build(), rows, backup(folder), StopAt(interrupt, 2 * STEPS + 1))
    latest = folder / "latest.weights.h5"
    latest.write_bytes(latest.read_bytes()[:1000])
    model = build()
    history = fit(model, rows, backup(folder))
    assert history == {name: values[1:] for name, values in whole_run[0].items()}
    assert_same_state(model, whole_run[1])


def backup(folder):
    return keras.callbacks.BackupAndRestore(folder, double_checkpoint=True)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_from_any_step(tmp_path, rows, step):
    model, batches = build(**QUICK), [slice(3 * i, 3 * i + 3) for i in range(STEPS)]
    for batch in batches[:step]:
        model.train_on_batch(rows.x[batch], rows.y[batch])
    model.save(tmp_path / "run.keras")
    loaded = keras.saving.load_model(tmp_path / "run.keras")
    for batch in batches[step:]:
        expected = model.train_on_batch(rows.x[batch], rows.y[batch])
        assert loaded.train_on_batch(rows.x[batch], rows.y[batch]) == expected
    assert_same_state(loaded, state(model))


@pytest.mark.backend("tensorflow")
def test_with_the_batches_that_the_run_would_have_had(tmp_path, rows):
    def batches():
        labeled = (rows.x, rows.y)
        return semi_supervised(labeled, rows.unlabeled, 4, 5, seed=0, repeat=True)

    settings = {"steps_per_epoch": STEPS, "shuffle": False, "verbose": 0}
    whole = build()
    expected = whole.fit(batches(), epochs=3, **settings).history
    model = build()
    model.fit(batches(), epochs=1, **settings)
    model.save(tmp_path / "run.keras")
    loaded = keras.saving.load_model(tmp_path / "run.keras")
    rest = batches().skip(int(loaded.optimizer.iterations))
    history = loaded.fit(rest, initial_epoch=1, epochs=3, **settings).history
    assert history == {name: values[1:] for name, values in expected.items()}
    assert_same_state(loaded, state(whole))


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def sigterm_raises():
    """What a job that wants to save before it goes does with the signal."""

    def leave(number, frame):
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    "stop, error", [(interrupt, KeyboardInterrupt), (terminate, SystemExit)], ids=["^C", "SIGTERM"]
)
@pytest.mark.usefixtures("sigterm_raises")
def test_after_an_interrupt_the_model_is_as_good_as_before(tmp_path, rows, stop, error):
    model = build()
    with pytest.raises(error):
        fit(model, rows, StopAt(stop))
    assert int(model.optimizer.iterations) == STEPS + 1
    assert np.isfinite(model.evaluate(rows.x, rows.y, verbose=0))
    assert np.all(np.isfinite(model.predict(rows.x, verbose=0)))
    model.save(tmp_path / "run.keras")
    loaded = keras.saving.load_model(tmp_path / "run.keras")
    assert_same_state(loaded, state(model))
    histories = [fit(m, rows, epochs=1) for m in (model, loaded)]
    assert histories[0] == histories[1]
    assert all(np.all(np.isfinite(values)) for values in histories[0].values())
    assert_same_state(loaded, state(model))
    assert int(model.optimizer.iterations) == 2 * STEPS + 1
