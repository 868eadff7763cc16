import os
import shutil
import socket

import numpy as np
import pytest

from keras_vat.data import load

REAL = pytest.mark.skipif(
    "TFDS_DATA_DIR" not in os.environ, reason="TFDS_DATA_DIR is not set: no prepared data sets"
)


@REAL
@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("mnist", (60_000, 28, 28, 1), (10_000, 28, 28, 1)),
        pytest.param("cifar10", (50_000, 32, 32, 3), (10_000, 32, 32, 3), marks=pytest.mark.slow),
    ],
)
def test_reads_prepared_data_sets(name, train, test):
    (x_train, y_train), (x_test, y_test) = load(name)
    assert x_train.shape == train and x_test.shape == test
    assert x_train.dtype == x_test.dtype == np.float32
    assert y_train.dtype == y_test.dtype == np.int32
    assert x_train.min() == 0.0 and x_train.max() == 1.0
    assert np.bincount(y_train).shape == (10,) and len(y_train) == len(x_train)


@pytest.fixture(scope="module")
def svhn_directory(tmp_path_factory):
    """A prepared `svhn_cropped` of three training and two test rows, and its images."""
    tf = pytest.importorskip("tensorflow", reason="TensorFlow writes the records")
    tfds = pytest.importorskip("tensorflow_datasets")
    root = tmp_path_factory.mktemp("tfds")
    info = tfds.builder("svhn_cropped", data_dir=root).info
    directory = root / "svhn_cropped" / str(info.version)
    directory.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype="uint8")
    for split, rows in (("train", [0, 1, 2]), ("test", [3, 4])):
        path = directory / f"svhn_cropped-{split}.tfrecord-00000-of-00001"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for i in rows:
                row = {"id": str(i), "image": images[i], "label": i}
                writer.write(info.features.serialize_example(info.features.encode_example(row)))
    tfds.folder_dataset.write_metadata(
        data_dir=directory,
        features=info.features,
        split_infos=[
            tfds.core.SplitInfo(name=name, shard_lengths=[rows], num_bytes=0)
            for name, rows in (("train", 3), ("test", 2))
        ],
        filename_template="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
    )
    return root, images


def test_images_are_scaled_and_stay_with_their_labels(svhn_directory):
    directory, images = svhn_directory
    (x_train, y_train), (x_test, y_test) = load("svhn_cropped", data_dir=directory)
    assert y_train.tolist() == [0, 1, 2] and y_test.tolist() == [3, 4]
    np.testing.assert_allclose(x_train, images[y_train] / 255.0, rtol=1e-6)
    np.testing.assert_allclose(x_test, images[y_test] / 255.0, rtol=1e-6)
    assert x_train.dtype == np.float32 and y_train.dtype == np.int32


def test_digits_are_split_fixed_and_stratified():
    (x_train, y_train), (x_test, y_test) = load("digits")
    assert x_train.shape == (1297, 8, 8, 1) and x_test.shape == (500, 8, 8, 1)
    assert x_train.min() == 0.0 and x_train.max() == 1.0
    shares = np.bincount(y_test) / np.bincount(np.concatenate([y_train, y_test]))
    np.testing.assert_allclose(shares, 500 / 1797, atol=0.01)
    np.testing.assert_array_equal(load("digits")[1][1], y_test)
    assert x_train.dtype == np.float32 and y_train.dtype == np.int32


def test_missing_data_set_is_not_downloaded_but_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="set the environment variable TFDS_DATA_DIR"):
        load("mnist", data_dir=tmp_path)
    assert list(tmp_path.rglob("*.tfrecord*")) == []


def test_nothing_is_fetched_where_there_is_no_network(tmp_path, monkeypatch):
    def unreachable(*arguments, **settings):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr(socket.socket, "connect", unreachable)
    with pytest.raises(FileNotFoundError, match="run `tfds build cifar10` once"):
        load("cifar10", data_dir=tmp_path)


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


def drop_last_record(path):
    records, starts = path.read_bytes(), [0]
    while starts[-1] < len(records):  # 8 bytes of length and 4 of checksum; data; 4 of checksum
        length = int.from_bytes(records[starts[-1] :][:8], "little")
        starts.append(starts[-1] + 12 + length + 4)
    cut(path, starts[-2])


TRAIN, INFO = "svhn_cropped-train.tfrecord-00000-of-00001", "dataset_info.json"


@pytest.mark.parametrize(
    "file, damage",
    [
        (TRAIN, lambda path: path.unlink()),
        (TRAIN, lambda path: cut(path, 0)),
        (TRAIN, lambda path: cut(path, path.stat().st_size // 2)),
        (TRAIN, lambda path: cut(path, path.stat().st_size - 1)),
        (TRAIN, drop_last_record),
        (TRAIN, lambda path: path.write_bytes(b"x" + path.read_bytes()[1:])),
        (INFO, lambda path: cut(path, path.stat().st_size // 2)),
        (INFO, lambda path: path.unlink()),
    ],
)
def test_a_part_is_never_taken_for_the_whole(svhn_directory, tmp_path, file, damage):
    shutil.copytree(svhn_directory[0], tmp_path / "tfds")
    (path,) = (tmp_path / "tfds").rglob(file)
    damage(path)
    with pytest.raises(OSError, match="run `tfds build svhn_cropped` once"):
        load("svhn_cropped", data_dir=tmp_path / "tfds")


def test_rows_are_counted(svhn_directory, monkeypatch):
    """Whatever TFDS checks itself."""
    directory, _ = svhn_directory
    tfds = pytest.importorskip("tensorflow_datasets")
    info = tfds.builder("svhn_cropped", data_dir=directory).info.splits["train"]
    monkeypatch.setattr(type(info), "num_examples", 7)
    with pytest.raises(OSError, match="Received: 3 rows of 7 in the split 'train'"):
        load("svhn_cropped", data_dir=directory)


@pytest.mark.parametrize("damage", ["cut", "empty", "labels", "missing", "objects"])
def test_damaged_arrays_are_refused(tmp_path, damage):
    path, images = tmp_path / "mnist.npz", np.zeros((5, 28, 28), "uint8")
    labels = np.arange(4 if damage == "labels" else 5)
    if damage == "objects":  # a pickle could run code
        labels = np.array([None] * 5)
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": np.arange(5)}
    if damage == "missing":
        del arrays["x_test"]
    np.savez(path, **arrays)
    if damage in ("cut", "empty"):
        cut(path, path.stat().st_size // 2 if damage == "cut" else 0)
    with pytest.raises(OSError, match="mnist.npz is damaged or not complete.* Received"):
        load("mnist", data_dir=tmp_path)


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="`name` must be one of .*svhn_cropped.* Received: name="):
        load("imagenet")


def test_arrays_in_a_file_of_keras_form_come_first(tmp_path):
    rng = np.random.default_rng(0)
    images = {
        f"x_{split}": rng.integers(0, 256, (rows, 28, 28), dtype="uint8")
        for split, rows in (("train", 5), ("test", 2))
    }
    np.savez(tmp_path / "mnist.npz", y_train=np.arange(5)[:, None], y_test=np.arange(2), **images)
    (x, y), (x_test, y_test) = load("mnist", data_dir=tmp_path)
    assert x.shape == (5, 28, 28, 1) and x.dtype == "float32"
    np.testing.assert_allclose(x[..., 0], images["x_train"] / 255, rtol=1e-6)
    np.testing.assert_array_equal(y, np.arange(5))
    assert x_test.shape == (2, 28, 28, 1) and y_test.dtype == "int32"
