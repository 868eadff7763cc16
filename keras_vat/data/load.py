"""Image data sets of the papers, as arrays."""

import os
import pathlib

import numpy as np

from keras_vat import arguments

_TFDS_NAMES = ("mnist", "cifar10", "svhn_cropped")
_SPLITS = ["train", "test"]


def load(
    name: str, data_dir: str | None = None
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Loads a data set of images as NumPy arrays.

    Nothing is ever downloaded. Rows keep the order of the files: those of "cifar10" may be
    ordered by class, so shuffle before batching (`semi_supervised` does).

    Args:
        name: "mnist", "cifar10" or "svhn_cropped", read by TensorFlow Datasets; or "digits",
            which comes with scikit-learn (8 x 8 pixels; a fixed stratified split of 1,297
            training and 500 test rows).
        data_dir: Directory of TensorFlow Datasets. `None` (default): the environment variable
            `TFDS_DATA_DIR`, or else the library's default. A file `<name>.npz` there, with bytes
            `x_train`, `y_train`, `x_test` and `y_test` as in Keras's `mnist.npz`, is taken
            instead and needs no other library.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(rows, height, width, channels)` of
        `float32` in [0, 1], labels `(rows,)` of `int32`. The second pair is what `fit` takes as
        `validation_data`; evaluations that need labels take its parts, `*test`, others `test[0]`.

    Raises:
        TypeError: If `data_dir` is no path.
        ValueError: If `name` is unknown.
        FileNotFoundError: If the data set is not in the directory.
        OSError: If it is there, but damaged or not complete: part of it is never taken for all.
        ImportError: If the library that reads it is not installed.

    Example:

    ```python
    from keras_vat.data import load

    (x_train, y_train), (x_test, y_test) = load("digits")
    print(x_train.shape, x_test.shape)  # (1297, 8, 8, 1) (500, 8, 8, 1)
    ```
    """
    arguments.one_of("name", name, (*_TFDS_NAMES, "digits"))
    if name == "digits":
        return _load_digits()
    if data_dir is not None:
        data_dir = arguments.path("data_dir", data_dir)
    folder = data_dir or os.environ.get("TFDS_DATA_DIR")
    arrays = None if folder is None else pathlib.Path(folder).expanduser() / f"{name}.npz"
    if arrays is not None and arrays.exists():
        return _load_arrays(arrays)
    # Named here: TensorFlow Datasets looks at the environment only once, when it is imported.
    return _load_tfds(name, folder)


def _load_arrays(path):
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            splits = [(file[f"x_{split}"], file[f"y_{split}"]) for split in ("train", "test")]
    except Exception as error:  # of zipfile, zlib or NumPy, as the damage has it
        raise _damaged(path, "copy the file once more", error) from error
    for images, labels in splits:
        if images.ndim not in (3, 4) or labels.size != len(images):
            shapes = f"images of shape {images.shape} with labels of shape {labels.shape}"
            raise _damaged(path, "copy the file once more", shapes)
    return tuple(
        _scaled(images if images.ndim == 4 else images[..., None], labels.reshape(-1), 255.0)
        for images, labels in splits
    )


def _load_tfds(name, data_dir):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            f'`load("{name}")` needs tensorflow-datasets. Install it with '
            "`pip install tensorflow-datasets`."
        ) from error
    place = data_dir or "the default folder of TensorFlow Datasets"
    cure = f"delete its folder `{name}` and run `tfds build {name}` once more"
    # Fails on the builder, not on `load`, where TFDS reports missing files as an assertion.
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except Exception as error:  # of JSON, protobuf or TFDS, as the damage has it
        raise _damaged(place, cure, error) from error
    if not builder.is_prepared():
        raise FileNotFoundError(
            f"No prepared data set {name!r} found. Received: data_dir={data_dir!r}, looked in "
            f"{builder.data_dir}. Pass the directory of TensorFlow Datasets as `data_dir`, set "
            f"the environment variable TFDS_DATA_DIR to it, or run `tfds build {name}` once."
        )
    try:
        # batch_size=-1 reads a whole split into one batch.
        splits = builder.as_dataset(split=_SPLITS, batch_size=-1, shuffle_files=False)
    except Exception as error:  # of TensorFlow or TFDS, as the damage has it
        raise _damaged(builder.data_dir, cure, error) from error
    for split, rows in zip(_SPLITS, splits, strict=True):
        found, expected = len(rows["label"]), builder.info.splits[split].num_examples
        if found != expected:
            received = f"{found} rows of {expected} in the split {split!r}"
            raise _damaged(builder.data_dir, cure, received)
    return tuple(_scaled(s["image"].numpy(), s["label"].numpy(), 255.0) for s in splits)


def _damaged(place, cure, received):
    return OSError(
        f"The data set in {place} is damaged or not complete: {cure}. Received: {received}"
    )


def _load_digits():
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ImportError(
            '`load("digits")` needs scikit-learn. Install it with `pip install scikit-learn`.'
        ) from error
    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        digits.images[..., None],
        digits.target,
        test_size=500,
        stratify=digits.target,
        random_state=0,
    )
    return _scaled(x_train, y_train, 16.0), _scaled(x_test, y_test, 16.0)


def _scaled(images, labels, white):
    images = images.astype("float32")
    images /= np.float32(white)
    return images, labels.astype("int32")
