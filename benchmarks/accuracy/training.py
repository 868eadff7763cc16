"""One training of the papers' experiments, and what came of it."""

import json
import time

import keras
import numpy as np

import keras_vat
from benchmarks.accuracy import data

STEPS_PER_EXECUTION = 50
RESTART = 100_000  # far from the seeds of other trainings


def train(table, job, validation_rows, callbacks=(), backup=None):
    """Trains the classifier of one row of a table and measures its errors in %.

    Args:
        table: The `Table`.
        job: Dictionary of "method", its hyper-parameters, "seed" (of the rows, the weights, the
            order and the perturbations), "updates" (a whole number of the table's epochs, or
            fewer than one) and "dtype".
        validation_rows: Training rows to hold out.
        callbacks: More callbacks for `fit`.
        backup: Folder for the state after every epoch, from which a training that was stopped
            goes on; it is gone in the end. `None`: no backup.

    Returns:
        Dictionary. "test error" and "validation error" are measured after the moving averages of
        batch normalisation were estimated anew, if the row says so; the others with those of
        training.
    """
    keras.utils.clear_session()
    keras.config.set_dtype_policy(job["dtype"])
    row, seed, updates = table.rows[job["method"]], job["seed"], job["updates"]
    keras.utils.set_random_seed(seed)  # first of all: the order of the batches hangs on it, too
    settings, chosen = row.settings, {name: job[name] for name in row.names}
    rows = data.split(table.dataset, settings, seed, validation_rows)
    curve = TestErrors(rows.test, backup and backup / "curve.json")
    # After a stop, the rows come in another order than before it.
    batches = data.batches(rows, settings, seed + RESTART * len(curve.errors))
    classifier = row.classifier(settings, **chosen)
    # The papers' policy.
    model = keras_vat.VATModel(classifier, row.regularizers(**chosen), batch_statistics="batch")
    epoch = min(table.evaluate_every, updates)
    epochs = updates // epoch
    model.compile(
        row.optimizer(settings, updates),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=largest_divisor(epoch, STEPS_PER_EXECUTION),
    )
    model.fit(
        batches,
        steps_per_epoch=epoch,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[
            curve,
            *row.callbacks(epochs=epochs, updates=updates, **chosen),
            *callbacks,
            *reestimation(row, rows, batches, seed),
            *backup_to(backup),
        ],
    )
    return {
        "test error": error(classifier, rows.test),
        "test error, moving averages of training": curve.errors[-1],
        "best test error": min(curve.errors),
        "validation error": error(classifier, rows.validation) if validation_rows else None,
        "seconds": round(curve.seconds, 1),
        "curve": curve.errors,
        "updates per point": epoch,
    }


class TestErrors(keras.callbacks.Callback):
    """Notes the test error after every epoch, and the seconds that the epochs took.

    Args:
        rows: Test rows `(x, y)`.
        path: JSON file that keeps both for a training that goes on later, or `None`.
    """

    def __init__(self, rows, path=None):
        super().__init__()
        self.rows, self.path = rows, path
        self.errors, self.seconds = [], 0.0
        if path is not None and path.exists():
            self.errors, self.seconds = json.loads(path.read_text())

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()
        del self.errors[epoch:]  # one more than the backup has, if the stop was between the two

    def on_epoch_end(self, epoch, logs=None):
        self.errors.append(error(self.model.classifier, self.rows))
        self.seconds += time.perf_counter() - self.start
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps([self.errors, self.seconds]))


def reestimation(row, rows, batches, seed):
    """The callback that estimates moving averages anew, where a row wants it."""
    if not row.reestimate:
        return []
    seen = rows.unlabeled if row.settings.augmentation is None else batches
    return [keras_vat.callbacks.BatchNormReestimation(seen, seed=seed)]


def backup_to(folder):
    """The callbacks that keep a training's state, or bring it back."""
    if folder is None:
        return []
    return [keras.callbacks.BackupAndRestore(folder, double_checkpoint=True)]


def error(classifier, rows):
    x, y = rows
    logits = classifier.predict(x, batch_size=1000, verbose=0)
    return round(100 * float(np.mean(np.argmax(logits, -1) != y)), 3)


def largest_divisor(number, limit):
    """Keras rounds epochs up to whole executions."""
    return max(n for n in range(1, limit + 1) if number % n == 0)
