"""`fit` under `MultiWorkerMirroredStrategy`, in real processes."""

import numpy as np
import pytest

pytestmark = pytest.mark.backend("tensorflow")

DETERMINISTIC = {"at": {"epsilon": 0.1}, "entropy": {"weight": 0.5}}


def reports(results):
    for status, report in results:
        assert status == 0, report
    return [report for _, report in results]


def check_equal(found, expected):
    for name in ("history", "evaluation"):
        assert found[name].keys() == expected[name].keys()
        for metric, value in expected[name].items():
            assert found[name][metric] == pytest.approx(value, rel=1e-4), metric
    for weight, other in zip(found["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_workers_train_as_one_process_does(run_cluster, workers):
    (alone,) = reports(run_cluster(1, methods=DETERMINISTIC))
    cluster = reports(run_cluster(workers, methods=DETERMINISTIC))
    for report in cluster:
        assert report["weights"] == cluster[0]["weights"]
        check_equal(report, alone)
        np.testing.assert_allclose(
            report["predictions"], report["expected predictions"], rtol=1e-4, atol=1e-6
        )


@pytest.mark.slow
def test_semi_supervised_batches_are_split_between_workers(run_cluster):
    settings = {"methods": DETERMINISTIC, "semi_supervised": True}
    (alone,) = reports(run_cluster(1, **settings))
    cluster = reports(run_cluster(2, **settings))
    for report in cluster:
        assert report["weights"] == cluster[0]["weights"]
        assert report["rows"] == [3, 6]
        check_equal(report, alone)
    assert alone["rows"] == [6, 12]


@pytest.mark.slow
def test_random_methods_draw_apart_and_train_in_step(run_cluster):
    methods = {"vat": {"epsilon": 1.0, "seed": 0}, "rpt": {"epsilon": 1.0, "seed": 0}}
    first, second = reports(run_cluster(2, methods=methods))
    assert first["weights"] == second["weights"]
    assert first["history"] == second["history"]
    assert first["history"]["vat"][0] > first["history"]["rpt"][0] > 0


@pytest.mark.slow  # three clusters, and ten seconds until a worker notices that another has gone
@pytest.mark.parametrize(
    "kill", [{}, {"kill": "before the backup"}], ids=["in an epoch", "at its end"]
)
def test_a_killed_worker_is_restarted_and_nothing_is_lost(run_cluster, tmp_path, kill):
    settings = {"methods": DETERMINISTIC, "epochs": 4, **kill}
    (alone,) = reports(run_cluster(1, **settings))
    interrupted = run_cluster(2, backup=str(tmp_path), **settings)
    assert [status for status, _ in interrupted] == [3, -9]
    assert interrupted[0][1]["epochs"] == ([0, 1] if kill else [0, 1, 2])
    cluster = reports(run_cluster(2, backup=str(tmp_path), **settings))
    for report in cluster:
        assert report["epochs"] == [2, 3]
        assert report["weights"] == cluster[0]["weights"]
        for metric, values in alone["history"].items():
            assert report["history"][metric] == pytest.approx(values[2:], rel=1e-4), metric
        check_equal({**report, "history": {}}, {**alone, "history": {}})
