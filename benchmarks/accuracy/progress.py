"""How far a list of trainings is, and how long the rest of it will take."""

import sys
import time

import keras
import numpy as np


class Progress(keras.callbacks.Callback):
    """Writes a line to stderr now and then; on a terminal, always the same one.

    The time left counts every training that is to come at the speed of its own method, if one of
    these has been trained, or at the average speed so far.

    Args:
        jobs: Dictionaries with "method" and "updates" of all trainings, in their order.
        stream: File to write to. Defaults to `sys.stderr`.
        interval: Seconds between two lines. Defaults to half a second on a terminal, else a
            minute.
    """

    def __init__(self, jobs, stream=None, interval=None):
        super().__init__()
        self.jobs = jobs
        self.stream = stream or sys.stderr
        terminal = self.stream.isatty()
        self.interval = (0.5 if terminal else 60.0) if interval is None else interval
        self.format = "\r{}\033[K" if terminal else "{}\n"
        self.seconds = {}  # per update, by method
        self.shown = -np.inf

    def begin(self, number):
        """A training begins: that of `jobs[number]`."""
        self.number, self.start, self.before = number, time.monotonic(), None

    def on_epoch_begin(self, epoch, logs=None):
        self.finished = epoch * self.params["steps"]
        if self.before is None:
            self.before = self.finished  # by an earlier process

    def on_train_batch_end(self, batch, logs=None):
        self.done = self.finished + batch + 1
        now = time.monotonic()
        method = self.jobs[self.number]["method"]
        self.seconds[method] = (now - self.start) / (self.done - self.before)
        if now - self.shown >= self.interval:
            self.shown = now
            self.stream.write(self.format.format(self.line()))
            self.stream.flush()

    def line(self):
        job = self.jobs[self.number]
        left = (job["updates"] - self.done) * self.seconds[job["method"]]
        average = np.mean(list(self.seconds.values()))
        for later in self.jobs[self.number + 1 :]:
            left += later["updates"] * self.seconds.get(later["method"], average)
        return (
            f"{self.number + 1}/{len(self.jobs)} {job['method']}, seed {job['seed']}: "
            f"{self.done} of {job['updates']} updates, {clock(left)} left"
        )


def clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
