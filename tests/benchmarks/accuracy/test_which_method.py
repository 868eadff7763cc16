"""The study of methods and kinds of data: its rule, its rows, one training of each kind of net."""

import dataclasses
import pathlib

import numpy as np
import pytest

pytest.importorskip("sklearn")

import keras_vat
from benchmarks.accuracy import generators, results, which_method
from benchmarks.accuracy.kinds_of_data import TASKS

TASK = "wine, 30 labels"
ERRORS = {0.02: 7.0, 0.06: 3.0, 0.2: 3.0, 0.6: 9.0}


@pytest.fixture
def short(monkeypatch):
    """A task of three seeds, whose trainings are of a few steps."""
    task = dataclasses.replace(TASKS[TASK], updates=4, seeds=3)
    monkeypatch.setitem(which_method.TASKS, TASK, task)
    return task


def no_training(job, folders):
    gain = 2.0 if job["method"] == "vat" else 0.0
    seed = job["seed"] if job["seed"] < 1000 else 0
    error = ERRORS[job["number"]] if job["seed"] >= 1000 else 20.0 + seed * (1 + gain) - gain
    sure = {"mean of largest probabilities": 0.9, "epsilon": 0.5}
    return {"error": error, "seconds": 2.0 + gain, **sure}


def test_one_rule_chooses_for_all_and_what_is_trained_is_not_trained_again(
    short, monkeypatch, tmp_path
):
    monkeypatch.setattr(which_method, "train", no_training)
    path = tmp_path / "which.jsonl"
    for _ in range(2):
        which_method.work(TASK, ["supervised", "vat"], path, {})
        found = results.read(path)
        assert len(found) == 3 + 2 * 4 + 3
    finally_trained = [one["number"] for one in found if one["method"] == "vat"][-3:]
    assert finally_trained == [0.06] * 3  # of equally good ones the smaller
    plain, vat = which_method.summary(found)
    assert (plain["error, %"], plain["minus supervised"]) == ("21.0 ± 1.0", "+0.0 ± 0.0")
    # Held-out rows: 7, 3, 3 and 9 % of errors.
    line, most, mean = which_method.missed(found)
    assert [line[str(share)] for share in which_method.SHARES] == [4.0, 0.0, 0.0, 6.0]
    assert {**line, "task": "most"} == most and {**line, "task": "mean"} == mean
    other = [{**one, "task": "adult, 200 labels", "error": 2 * one["error"]} for one in found]
    *_, most, mean = which_method.missed(found + other)
    assert [most[str(share)] for share in which_method.SHARES] == [8.0, 0.0, 0.0, 12.0]
    assert [mean[str(share)] for share in which_method.SHARES] == [6.0, 0.0, 0.0, 9.0]
    # Of the seeds 0, 1, 2: -2, 0 and 2 points more; standard error 2 / sqrt(3).
    assert (vat["minus supervised"], vat["time / supervised"]) == ("+0.0 ± 1.2", 2.0)


def test_before_anything_is_chosen_there_is_no_table_of_shares():
    assert which_method.missed([]) == []


def test_held_out_rows_are_not_trained_on(short):
    (x, y), test = short.load({"adult": None})
    tuned_x, known, (held_out, _) = which_method.split(short, 1000, True, {"adult": None})
    assert len(held_out) == len(y) // 5 and len(tuned_x) + len(held_out) == len(y)
    assert not {row.tobytes() for row in held_out} & {row.tobytes() for row in tuned_x}
    assert (known >= 0).sum() == short.num_labels
    all_x, _, (test_x, _) = which_method.split(short, 0, False, {"adult": None})
    assert len(all_x) == len(y) and test_x is test[0]


@pytest.mark.parametrize("method", ["supervised", "vat", "fat", "self-training"])
def test_a_training_of_a_table(short, method):
    number = which_method.METHODS[method].grid[-1]
    job = {"task": TASK, "method": method, "number": number, "seed": 0}
    found = which_method.train(job, {"adult": None})
    assert 0 <= found["error"] <= 100 and 1 / 3 <= found["mean of largest probabilities"] <= 1
    assert (found["epsilon"] is not None) == (method in ("vat", "fat"))


def test_images_are_perturbed_in_the_latent_space_of_their_generator(monkeypatch):
    name = "digits, 50 labels"
    vae = keras_vat.generators.VAE((8, 8, 1), latent_dim=9, widths=(2, 2))
    vae.compile("adam")
    vae.fit(keras_vat.data.load("digits")[0][0][:32], verbose=0)
    monkeypatch.setattr(generators, "trained", lambda recipe: vae.freeze())
    monkeypatch.setitem(which_method.TASKS, name, dataclasses.replace(TASKS[name], updates=3))
    job = {"task": name, "method": "lvat", "number": 0.2, "seed": 0}
    assert which_method.train(job, {})["epsilon"] == pytest.approx(0.2 * 3)
    assert not which_method.METHODS["lvat"].suits(TASKS[TASK])


def test_texts_are_perturbed_where_they_are_embedded(tmp_path, monkeypatch, tf):
    name = "AG News, 40 labels, mean"
    rows = [f"{'good fine film' if i % 2 else 'poor dull'} number {i},{i % 2}" for i in range(60)]
    (tmp_path / "ag_news.csv").write_text("\n".join(["text,label", *rows]))
    task = dataclasses.replace(TASKS[name], updates=3, num_labels=10)
    monkeypatch.setitem(which_method.TASKS, name, task)
    job = {"task": name, "method": "vat", "number": 0.1, "seed": 0}
    found = which_method.train(job, {"text": pathlib.Path(tmp_path)})
    # About 4.5 tokens of 64 numbers with variance 1.
    assert np.isclose(found["epsilon"], 0.1 * np.sqrt(4.5 * 64), rtol=0.05)
