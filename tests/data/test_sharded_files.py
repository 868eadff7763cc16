"""Unlabelled rows from many files: order, going on from a saved iterator, the tf.data service."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vat.data import augmentation, semi_supervised

SHARDS, ROWS = 6, 20  # of a shard


def serialized(numbers):
    return np.array([np.full(4, number, "float32").tobytes() for number in numbers], object)


def decode(rows):
    return tf.reshape(tf.io.decode_raw(rows, "float32"), (-1, 4))


LABELED = serialized(range(7)), np.arange(7)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    paths = [str(folder / f"{shard}.tfrecord") for shard in range(SHARDS)]
    for shard, path in enumerate(paths):
        with tf.io.TFRecordWriter(path) as writer:
            for row in serialized(range(ROWS * shard, ROWS * (shard + 1))):
                writer.write(row)
    return paths


def files(paths, repeat=False):
    names = tf.data.Dataset.from_tensor_slices(paths).shuffle(SHARDS, seed=0)
    return (names.repeat() if repeat else names).interleave(
        tf.data.TFRecordDataset, cycle_length=3, num_parallel_calls=tf.data.AUTOTUNE
    )


def make(unlabeled, **options):
    return semi_supervised(
        LABELED, unlabeled, 3, 8, **{"augment": decode, "seed": 1, "repeat": True, **options}
    )


def numbers(elements):
    return [(np.array(x.unlabeled)[:, 0].tolist(), np.array(y).tolist()) for x, y in elements]


def test_a_pass_has_every_row_once_in_another_order(paths):
    batches = make(files(paths), repeat=False)
    passes = [sum((rows for rows, _ in numbers(batches)), []) for _ in range(2)]
    assert sorted(passes[0]) == sorted(passes[1]) == list(range(SHARDS * ROWS))
    assert passes[0] != passes[1]


def test_rows_of_all_files_mix(paths):
    """The buffer holds all of these rows: no batch is of two or three files alone."""
    (rows, _), *_ = numbers(make(files(paths)).take(1))
    assert len({int(row) // ROWS for row in rows}) > 3


def test_the_same_seed_gives_the_same_order(paths):
    first, again = (numbers(make(files(paths, repeat=True)).take(40)) for _ in range(2))
    assert first == again != numbers(make(files(paths, repeat=True), seed=2).take(40))


@pytest.mark.parametrize("labels", ["arrays", "dataset"])
def test_a_saved_iterator_goes_on_where_it_stood(paths, tmp_path, labels):
    def iterator():
        labeled = LABELED if labels == "arrays" else tf.data.Dataset.from_tensor_slices(LABELED)
        unlabeled = files(paths, repeat=True)
        return iter(semi_supervised(labeled, unlabeled, 3, 8, augment=decode, seed=1, repeat=True))

    whole = iterator()
    for _ in range(20):
        next(whole)
    path = tf.train.Checkpoint(iterator=whole).save(tmp_path / "saved")
    expected = numbers(next(whole) for _ in range(50))  # passes and rounds end in between
    restored = iterator()
    tf.train.Checkpoint(iterator=restored).restore(path)
    assert numbers(next(restored) for _ in range(50)) == expected


@pytest.mark.parametrize("epoch", [{"repeat": True}, {"repeat": False}, {"steps_per_epoch": 30}])
def test_a_saved_iterator_of_arrays_goes_on(tmp_path, epoch):
    """Beside an augmentation, whose seed is a variable that is not the iterator's."""
    images = np.broadcast_to(np.arange(240.0)[:, None, None, None], (240, 6, 6, 1))
    augment = augmentation("mnist", seed=0)

    def iterator():
        labeled = images[:7], np.arange(7)
        return iter(semi_supervised(labeled, images, 3, 8, augment, 1, **epoch))

    def rows(iterator):
        return [np.max(next(iterator)[0].unlabeled, (1, 2, 3)).tolist() for _ in range(10)]

    whole = iterator()
    rows(whole)
    path = tf.train.Checkpoint(iterator=whole).save(tmp_path / "saved")
    expected, restored = rows(whole), iterator()
    tf.train.Checkpoint(iterator=restored).restore(path)
    assert rows(restored) == expected


@pytest.fixture(scope="module")
def service():
    """The address of a dispatcher with two servers, all on this machine."""
    module = tf.data.experimental.service
    dispatcher = module.DispatchServer()
    address = dispatcher.target.split("://")[1]
    servers = [module.WorkerServer(module.WorkerConfig(dispatcher_address=address)) for _ in "ab"]
    yield dispatcher.target
    del servers


def test_two_servers_read_each_row_once_in_a_pass(paths, service):
    module = tf.data.experimental.service
    distribute = module.distribute(module.ShardingPolicy.DYNAMIC, service)
    rows = files(paths).batch(16).map(decode).apply(distribute).unbatch()
    labeled = np.repeat(np.arange(7, dtype="float32")[:, None], 4, axis=1), np.arange(7)
    batches = semi_supervised(labeled, rows, 3, 8, seed=1, repeat=True)
    a_pass = SHARDS * ROWS // 8
    found = [row for rows, _ in numbers(batches.take(2 * a_pass)) for row in rows]
    for start in (0, SHARDS * ROWS):
        assert sorted(found[start : start + SHARDS * ROWS]) == list(range(SHARDS * ROWS))
