import json
import multiprocessing

import pytest

from benchmarks.accuracy.results import append, choose, epochs_to, is_done, read, summary
from benchmarks.accuracy.tables import TABLES

# A line as the first trainings were noted, shortened.
OLD = (
    '{"method": "supervised", "epsilon": null, "seed": 0, "updates": 12000, "test error": 20.78, '
    '"test error, moving averages of training": 21.58, "best test error": 21.37, '
    '"validation error": 22.400000000000002, "seconds": 265.2, "curve": [21.4, 21.58]}\n'
)
SSL = TABLES["mnist-ssl"]


def result(method, seed=0, updates=1000, **more):
    return {
        "method": method,
        "seed": seed,
        "updates": updates,
        "dtype": "float32",
        "test error": 2.0,
        "test error, moving averages of training": 2.5,
        "best test error": 1.5,
        "validation error": 2.0,
        "curve": [2.5],
        **more,
    }


def test_a_line_that_was_cut_off_is_named(tmp_path):
    (tmp_path / "cut.jsonl").write_text(OLD + OLD[:40])
    with pytest.raises(ValueError, match=r"Line 2 of .*cut.jsonl is no JSON"):
        read(tmp_path / "cut.jsonl")


def test_first_trainings_are_understood(tmp_path):
    (tmp_path / "old.jsonl").write_text(OLD)
    results = read(tmp_path / "old.jsonl")
    job = {"method": "supervised", "seed": 0, "updates": 12000, "dtype": "float32"}
    assert is_done(job, results)
    assert not is_done({**job, "seed": 1}, results)
    assert not is_done({**job, "dtype": "mixed_bfloat16"}, results)
    (line,) = summary(SSL, results)
    assert (line["method"], line["hyper-parameters"], line["seeds"]) == ("supervised", "", 1)


def append_many(path, method):
    for seed in range(50):
        append(path, result(method, seed, curve=[1.0] * 2000))


def test_processes_do_not_tear_each_others_lines(tmp_path):
    path = tmp_path / "new" / "table.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=append_many, args=(path, name)) for name in ("vat", "rpt")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 100


def test_the_smallest_mean_validation_error_is_chosen():
    row = SSL.rows["rpt"]
    tuned = [
        result("rpt", 0, epsilon=3.5, **{"validation error": 1.0}),
        result("rpt", 1, epsilon=3.5, **{"validation error": 4.0}),
        result("rpt", 0, epsilon=7.0, **{"validation error": 2.0}),
        result("rpt", 0, epsilon=5.0, failed="diverged"),
        result("rpt", 0, 2000, epsilon=5.0, **{"validation error": 0.1}),
        result("vat", 0, epsilon=5.0, **{"validation error": 0.1}),
    ]
    assert choose("rpt", row, 1000, tuned) == {"epsilon": 7.0}
    assert choose("rpt", row, 2000, tuned) == {"epsilon": 5.0}
    assert choose("rpt", row, 3000, tuned) == {"epsilon": 10.0}  # the grid's middle


def test_summary_is_over_seeds_and_beside_the_paper():
    results = [
        result("vat", 0, start=5.0, epsilon=5.0),
        result("vat", 1, start=5.0, epsilon=5.0, **{"test error": 3.0}),
        result("vat", 0, start=5.0, epsilon=3.5),
        result("rpt", 0, 2000, epsilon=10.0),
    ]
    lines = summary(SSL, results)
    names = ("method", "hyper-parameters", "updates", "seeds")
    assert [tuple(line[name] for name in names) for line in lines] == [
        ("rpt", "epsilon=10", 2000, 1),
        ("vat", "start=5, epsilon=3.5", 1000, 1),
        ("vat", "start=5, epsilon=5", 1000, 2),
    ]
    assert lines[2]["test error, %"] == 2.5
    assert lines[2]["standard deviation"] == pytest.approx(0.5**0.5)
    assert lines[2]["VAT table 3, %"] == 1.36
    assert lines[2]["ours - VAT table 3"] == pytest.approx(1.14)


def test_the_row_says_which_averages_count():
    chosen = {"epsilon": 5.0, "radius": 6.0, "threshold": 0.01}
    results = [result("vat, 100 labels", epsilon=5.0), result("fat, 100 labels", **chosen)]
    lines = summary(TABLES["mnist-few-labels"], results)
    assert [line["test error, %"] for line in lines] == [2.0, 2.5]


def test_epochs_to_a_target_are_the_median():
    def reached(*curves):
        return epochs_to(2.0, [{"curve": curve} for curve in curves])

    assert reached([5.0, 2.0], [1.9, 4.0], [5.0, 5.0, 5.0, 1.0]) == 2.0
    assert reached([5.0, 2.0], [3.0], [3.0]) == "not reached"
