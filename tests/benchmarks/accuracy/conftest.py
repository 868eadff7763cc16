"""The accuracy benchmark's modules, and a table of its own on the bundled digits."""

import sys

import keras
import pytest

from benchmarks.accuracy import __main__ as accuracy
from benchmarks.accuracy import methods as m
from benchmarks.accuracy.rows import Row, Table
from keras_vat.classifiers.training_settings import TrainingSettings

FEW_LABELS = TrainingSettings(
    labeled_batch_size=8,
    unlabeled_batch_size=16,
    num_updates=100,
    learning_rate=0.01,
    decay_start=50,
    epsilon=1.0,
    num_labels=20,
)
ALL_LABELS = TrainingSettings(
    labeled_batch_size=16,
    unlabeled_batch_size=None,
    num_updates=100,
    learning_rate=0.01,
    decay_start=100,
    epsilon=1.0,
)


def small(settings, **_):
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(16),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dense(10, dtype="float32"),
        ]
    )


TINY = Table(
    "digits",
    {
        "supervised": Row(ALL_LABELS, small, m.none, m.nothing, {"VAT table 0": 5.0}),
        "vat": Row(FEW_LABELS, small, m.vat, m.around(1.0), {"VAT table 0": 2.0}),
        "fat": Row(
            FEW_LABELS,
            small,
            m.fat,
            m.fat_grid((1.0, 1.5, 0.01)),
            callbacks=m.fat_warmup_by_epoch,
            reestimate=False,
        ),
    },
    validation_rows=100,
    evaluate_every=5,
    seeds=(0, 1),
    target_error=2.0,
)


@pytest.fixture
def tiny():
    return TINY


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """Calls the program with the table "tiny" and a folder of its own."""
    monkeypatch.setitem(accuracy.TABLES, "tiny", TINY)
    monkeypatch.setattr(accuracy.report, "RESULTS", tmp_path)

    def call(*arguments, table="tiny"):
        program = ["accuracy", "--table", table, "--results", str(tmp_path), *arguments]
        monkeypatch.setattr(sys, "argv", program)
        accuracy.main()

    return call


@pytest.fixture
def trained(monkeypatch):
    """Replaces the training: the list of jobs that were asked for, with made-up errors."""
    jobs = []

    def train(table, job, validation_rows, callbacks, backup):
        jobs.append(job)
        return {
            "test error": 4.0 + job["seed"] % 10,
            "test error, moving averages of training": 5.0,
            "best test error": 3.0,
            "validation error": 10.0 - job.get("epsilon", 0.0),
            "curve": [9.0, 2.0, 1.0],
        }

    monkeypatch.setattr(accuracy, "train", train)
    return jobs
