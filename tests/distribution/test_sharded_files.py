"""Workers that read files of their own."""

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture
def paths(tmp_path):
    """Four files of ten rows, whose first number tells them apart."""
    found = []
    for shard in range(4):
        found.append(str(tmp_path / f"{shard}.tfrecord"))
        with tf.io.TFRecordWriter(found[-1]) as writer:
            for row in range(10 * shard, 10 * shard + 10):
                writer.write(np.array([row, 0, 0, 1], "float32").tobytes())
    return found


@pytest.mark.slow  # three clusters, and ten seconds until a worker notices that another has gone
def test_each_worker_reads_its_own_shards_and_goes_on_where_its_epoch_ended(
    run_cluster, paths, tmp_path
):
    def run(folder, **settings):
        folder = str(tmp_path / folder)
        return run_cluster(2, "sharded_worker.py", paths=paths, folder=folder, **settings)

    whole = run("whole")
    for status, report in whole:
        assert status == 0, report
    interrupted = run("restarted", kill=True)
    assert [status for status, _ in interrupted] == [3, -9]
    restarted = run("restarted")
    for status, report in restarted:
        assert status == 0, report
    for (_, expected), (_, found), shards in zip(whole, restarted, ((0, 2), (1, 3)), strict=True):
        assert expected["seen"] == [row for row in range(40) if row // 10 in shards]
        assert (expected["first epoch"], found["first epoch"]) == (0, 2)
        for name, values in expected["history"].items():
            assert found["history"][name] == values[2:], name
        assert found["weights"] == expected["weights"] == whole[0][1]["weights"]
