import io

import pytest

from benchmarks.accuracy.progress import Progress

JOBS = [
    {"method": "slow", "seed": 0, "updates": 100},
    {"method": "fast", "seed": 0, "updates": 100},
    {"method": "slow", "seed": 1, "updates": 100},
]


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

    monkeypatch.setattr("benchmarks.accuracy.progress.time.monotonic", lambda: Clock.now)
    return Clock


def test_time_left_is_counted_by_method(clock):
    stream = io.StringIO()
    progress = Progress(JOBS, stream, interval=0.0)
    progress.set_params({"steps": 50})
    progress.begin(0)
    progress.on_epoch_begin(0)
    clock.now = 100.0
    progress.on_train_batch_end(49)
    # 2 s an update, for all that is known: 50 + 100 + 100 updates.
    assert stream.getvalue() == "1/3 slow, seed 0: 50 of 100 updates, 0:08:20 left\n"
    progress.on_epoch_begin(1)
    clock.now = 200.0
    progress.on_train_batch_end(49)
    assert progress.line() == "1/3 slow, seed 0: 100 of 100 updates, 0:06:40 left"
    progress.begin(1)
    progress.on_epoch_begin(0)
    clock.now = 201.0
    progress.on_train_batch_end(9)
    # 0.1 s for 90 updates of the fast one, 2 s for 100 of the slow one.
    assert progress.line() == "2/3 fast, seed 0: 10 of 100 updates, 0:03:29 left"


def test_updates_before_a_stop_took_no_time(clock):
    progress = Progress(JOBS, io.StringIO())
    progress.set_params({"steps": 50})
    progress.begin(0)
    progress.on_epoch_begin(1)
    clock.now = 10.0
    progress.on_train_batch_end(9)
    # 1 s an update: 40 + 100 + 100.
    assert progress.line() == "1/3 slow, seed 0: 60 of 100 updates, 0:04:00 left"


def test_lines_are_apart_in_time(clock):
    stream = io.StringIO()
    progress = Progress(JOBS, stream, interval=60.0)
    progress.set_params({"steps": 50})
    progress.begin(0)
    progress.on_epoch_begin(0)
    for second in (1.0, 30.0, 60.0, 62.0, 100.0):
        clock.now = second
        progress.on_train_batch_end(0)
    assert len(stream.getvalue().splitlines()) == 2


def test_a_terminal_gets_one_line(clock):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    progress = Progress(JOBS, stream)
    progress.set_params({"steps": 50})
    progress.begin(0)
    progress.on_epoch_begin(0)
    clock.now = 1.0
    progress.on_train_batch_end(9)
    assert stream.getvalue().startswith("\r") and "\n" not in stream.getvalue()
