import json
from dataclasses import replace

import keras
import pytest

from benchmarks.accuracy import __main__ as accuracy
from benchmarks.accuracy.results import append, read


def lines(path, stage="run"):
    return read(path / "accuracy" / f"tiny.{stage}.jsonl")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*averages of batch normalisation still remember")
def test_trains_and_reports_all_rows(benchmark, tmp_path, capsys):
    benchmark("--seeds", "0", "--updates", "10")
    results = {result["method"]: result for result in lines(tmp_path)}
    assert set(results) == {"supervised", "vat", "fat"}
    for result in results.values():
        assert result["updates"] == 10 and result["updates per point"] == 5
        assert len(result["curve"]) == 2
        assert result["best test error"] == min(result["curve"]) < 95.0
        assert result["test error, moving averages of training"] == result["curve"][-1]
        assert {"seconds", "date", "command", "tensorflow", "keras_vat"} <= set(result)
    assert results["vat"]["test error"] != results["vat"]["curve"][-1]
    assert results["fat"]["test error"] == results["fat"]["curve"][-1]  # as its row says
    assert results["vat"]["epsilon"] == 1.0
    assert results["fat"]["radius"] == 1.5
    # Everything is trained on in the end, except in semi-supervised training.
    assert results["supervised"]["validation error"] is None
    assert 0.0 <= results["vat"]["validation error"] <= 100.0
    shown = capsys.readouterr()
    assert "| vat | epsilon=1 | 10 | 100 | float32 | 1 |" in shown.out
    assert "1/3 supervised, seed 0: " in shown.err
    saved = json.loads((tmp_path / "accuracy-tiny.json").read_text())
    assert [row["method"] for row in saved["rows"]] == ["supervised", "vat", "fat"]


def test_the_seed_decides_alone(tiny):
    job = {"method": "vat", "epsilon": 1.0, "seed": 3, "updates": 5, "dtype": "float32"}
    errors = []
    for seed_before in (0, 1):
        keras.utils.set_random_seed(seed_before)
        errors.append(accuracy.train(tiny, job, 100)["test error"])
    assert errors[0] == errors[1]


def test_half_precision_is_used_and_noted(benchmark, tmp_path):
    given = ("--methods", "supervised", "--seeds", "0", "--updates", "2")
    try:
        benchmark(*given, "--dtype", "mixed_bfloat16")
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert [result["dtype"] for result in lines(tmp_path)] == ["mixed_bfloat16"]


def test_goes_on_where_it_was_stopped(benchmark, trained, tmp_path):
    path = tmp_path / "accuracy" / "tiny.run.jsonl"
    benchmark("--updates", "10")
    assert len(trained) == 6  # three rows, two seeds
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    trained.clear()
    benchmark("--updates", "10")
    assert [(job["method"], job["seed"]) for job in trained] == [("vat", 1), ("fat", 1)]
    trained.clear()
    benchmark("--updates", "10")
    assert trained == []


def test_a_training_goes_on_from_its_last_epoch(benchmark, tiny, tmp_path, monkeypatch):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    given = ("--methods", "vat", "--seeds", "0", "--updates", "15")
    rows = {**tiny.rows, "vat": replace(tiny.rows["vat"], callbacks=lambda epochs, **_: [Stop()])}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setitem(accuracy.TABLES, "tiny", replace(tiny, rows=rows))
        benchmark(*given, table="tiny")
    (folder,) = (tmp_path / "running").iterdir()
    before, seconds = json.loads((folder / "curve.json").read_text())
    assert len(before) == 2 and lines(tmp_path) == []
    benchmark(*given)
    (result,) = lines(tmp_path)
    assert len(result["curve"]) == 3 and result["curve"][:2] == before
    assert result["seconds"] >= round(seconds, 1)
    assert not folder.exists()


def test_what_another_process_finished_meanwhile_is_left_out(
    benchmark, trained, monkeypatch, tmp_path
):
    train = accuracy.train

    def train_both(table, job, *rest):
        theirs = {**job, "method": "vat", "epsilon": 1.0, **train(table, job, *rest)}
        append(tmp_path / "accuracy" / "tiny.run.jsonl", theirs)
        return train(table, job, *rest)

    monkeypatch.setattr(accuracy, "train", train_both)
    benchmark("--methods", "supervised", "vat", "--seeds", "0", "--updates", "10")
    assert {job["method"] for job in trained} == {"supervised"}
    assert sorted(result["method"] for result in lines(tmp_path)) == ["supervised", "vat"]


def test_run_takes_what_tune_found_at_the_same_number_of_updates(benchmark, trained, tmp_path):
    benchmark("--stage", "tune", "--updates", "10")
    assert [(job["method"], job["epsilon"]) for job in trained] == [
        ("vat", 0.5),
        ("vat", 0.7),
        ("vat", 1.0),
        ("vat", 1.4),
    ]
    assert {job["seed"] for job in trained} == {1000}
    assert len(lines(tmp_path, "tune")) == 4
    trained.clear()
    benchmark("--methods", "vat", "--updates", "10", "--seeds", "0")
    benchmark("--methods", "vat", "--updates", "20", "--seeds", "0")
    assert [(job["updates"], job["epsilon"]) for job in trained] == [(10, 1.4), (20, 1.0)]


def test_validation_rows_are_held_out_where_they_choose(benchmark, trained, monkeypatch):
    held_out = []

    train = accuracy.train

    def note(table, job, validation_rows, *rest):
        held_out.append((job["method"], validation_rows))
        return train(table, job, validation_rows, *rest)

    monkeypatch.setattr(accuracy, "train", note)
    given = ("--seeds", "0", "--updates", "10")
    benchmark("--stage", "tune", "--methods", "vat", "--hyper-parameters", "epsilon=1", *given)
    benchmark("--methods", "supervised", "vat", *given)
    assert held_out == [("vat", 100), ("supervised", 0), ("vat", 100)]


def test_given_hyper_parameters_take_the_place_of_the_chosen_ones(benchmark, trained):
    benchmark("--methods", "vat", "--seeds", "0", "--hyper-parameters", "epsilon=3", "epsilon=0.5")
    assert [job["epsilon"] for job in trained] == [3.0, 0.5]


@pytest.mark.parametrize(
    ("arguments", "updates"),
    [([], 100), (["--scale", "0.5"], 50), (["--updates", "13"], 10), (["--updates", "3"], 3)],
)
def test_updates_are_whole_epochs(benchmark, trained, arguments, updates):
    benchmark("--methods", "vat", "--seeds", "0", *arguments)
    assert [job["updates"] for job in trained] == [updates]


def test_a_training_that_diverges_does_not_end_the_others(benchmark, monkeypatch, tmp_path, capsys):
    def train(table, job, *rest):
        if job["method"] == "vat":
            raise FloatingPointError("vat is nan")
        return {
            "test error": 1.0,
            "test error, moving averages of training": 1.0,
            "best test error": 1.0,
            "curve": [3.0, 3.0],
        }

    monkeypatch.setattr(accuracy, "train", train)
    benchmark("--seeds", "0")
    assert [result.get("failed") for result in lines(tmp_path)] == [None, "vat is nan", None]
    assert "| vat |" not in capsys.readouterr().out


def test_report_trains_nothing(benchmark, trained, capsys):
    benchmark("--methods", "supervised")
    trained.clear()
    capsys.readouterr()
    benchmark("--stage", "report")
    assert trained == []
    assert "| supervised |  | 100 | 100 | float32 | 2 | 4.5 | 0.707 |" in capsys.readouterr().out


def ends_with(code, capsys, message, call):
    with pytest.raises(SystemExit) as ended:
        call()
    assert ended.value.code == code
    assert message in capsys.readouterr().err


def test_a_report_without_trainings_says_so(benchmark, capsys):
    ends_with(2, capsys, "No training of tiny", lambda: benchmark("--stage", "report"))


def test_a_data_set_that_is_not_there_is_named(benchmark, trained, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    ends_with(
        2,
        capsys,
        "No prepared data set 'svhn_cropped' found",
        lambda: benchmark("--updates", "2", table="svhn-ssl"),
    )
    assert trained == []


def test_unknown_rows_and_hyper_parameters_are_refused(benchmark, capsys):
    ends_with(2, capsys, "no row is called 'vta'", lambda: benchmark("--methods", "vat", "vta"))
    ends_with(2, capsys, "must be above 0, not 0", lambda: benchmark("--updates", "0"))
    given = ("--methods", "fat", "--hyper-parameters", "epsilon=1")
    names = "fat has the hyper-parameters ['epsilon', 'radius', 'threshold']"
    ends_with(2, capsys, names, lambda: benchmark(*given))


def test_methods_may_be_patterns(benchmark, trained):
    benchmark("--methods", "?at", "--seeds", "0")
    assert [job["method"] for job in trained] == ["vat", "fat"]
