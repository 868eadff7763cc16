"""Image data sets of the papers, as arrays."""

import os
import pathlib

import numpy as np

from keras_vat import arguments

_TFDS_NAMES = ("mnist", "cifar10", "svhn_cropped")


def load(name, data_dir=None):
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
        `float32` in [0, 1], labels `(rows,)` of `int32`.

    Raises:
        ValueError: If `name` is unknown.
        FileNotFoundError: If the data set is not in the directory.
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
    folder = data_dir or os.environ.get("TFDS_DATA_DIR")
    arrays = None if folder is None else pathlib.Path(folder).expanduser() / f"{name}.npz"
    if arrays is not None and arrays.exists():
        return _load_arrays(arrays)
    # Named here: TensorFlow Datasets looks at the environment only once, when it is imported.
    return _load_tfds(name, folder)


def _load_arrays(path):
    with np.load(path) as arrays:
        return tuple(
            _scaled(images if images.ndim == 4 else images[..., None], labels.reshape(-1), 255.0)
            for images, labels in (
                (arrays[f"x_{split}"], arrays[f"y_{split}"]) for split in ("train", "test")
            )
        )


def _load_tfds(name, data_dir):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            f'`load("{name}")` needs tensorflow-datasets. Install it with '
            "`pip install keras-vat[data]`."
        ) from error
    # Fails on the builder, not on `load`, where TFDS reports missing files as an assertion.
    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.is_prepared():
        raise FileNotFoundError(
            f"No prepared data set {name!r} found. Received: data_dir={data_dir!r}, looked in "
            f"{builder.data_dir}. Pass the directory of TensorFlow Datasets as `data_dir`, set "
            f"the environment variable TFDS_DATA_DIR to it, or run `tfds build {name}` once."
        )
    # batch_size=-1 reads a whole split into one batch.
    splits = builder.as_dataset(split=["train", "test"], batch_size=-1, shuffle_files=False)
    return tuple(_scaled(s["image"].numpy(), s["label"].numpy(), 255.0) for s in splits)


def _load_digits():
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ImportError(
            '`load("digits")` needs scikit-learn. Install it with '
            "`pip install keras-vat[examples]`."
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
