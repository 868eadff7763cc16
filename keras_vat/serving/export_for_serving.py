"""Export to TensorFlow Serving: what users call."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_vat import arguments


def export_for_serving(
    model: keras.Model,
    path: str | os.PathLike,
    version: int = 1,
    input_name: str = "inputs",
    class_names: Sequence[str] | dict[str, Sequence[str]] | None = None,
    *,
    preprocessing: Callable[[Any], Any] | None = None,
    example: Any = None,
    overwrite: bool = False,
) -> str:
    """Exports the classifier alone as a version of a model for TensorFlow Serving.

    The SavedModel in `path/version/` has one signature, `serving_default`, for batches of any
    size, at inference. It needs neither this package nor Keras to be loaded, and holds nothing of
    regularizers, generators or the optimizer. Its outputs:

    - `logits`: `(batch, ...)`, the classifier's own, also of one that ends in softmax or sigmoid.
    - `probabilities`: `(batch, ...)`, the classifier's own or computed from the logits.
    - `classes`: softmax: `(batch, ...)`, the most likely class; one sigmoid: `(batch,)`, 1 from
      probability 0.5 on; several sigmoids: `(batch, labels)` of 0 and 1. Indices (`int64`), or the
      `class_names`.
    - of a regression only `predictions`, `(batch, ...)`.

    Several outputs are served all: the entries of each have its name before theirs, as
    `topic_logits`. One that no compiled loss, softmax or sigmoid says to classify, as features, is
    served as it is, under its name.

    Half precision is served as float32, inputs and outputs alike. The classifier is called on
    warm-up requests before anything is written, and TensorFlow Serving repeats them when it loads
    the version. They are its own messages, from the extra `serving`; without that, a warning says
    that the version has none. A version appears as a whole or not at all: it is written under a
    hidden name that no server looks at, and renamed.

    Serve and ask it::

        docker run -p 8500:8500 -p 8501:8501 -e MODEL_NAME=digits \\
            -v /models/digits:/models/digits tensorflow/serving
        curl http://localhost:8501/v1/models/digits:predict -d '{"instances": [[0.1, 0.7]]}'

    Args:
        model: A `VATModel`, whose classifier is exported, or any built Keras classifier.
        path: Folder of the model; it holds a folder for each version. `gs://` and the like work
            where TensorFlow can write there.
        version: Whole number of at least 1; a server takes the highest. Defaults to `1`.
        input_name: Name of the input, if there is one. Inputs in a dict keep their keys, inputs in
            a list the names of their `keras.Input`, and another `input_name` is refused for them.
            Defaults to `"inputs"`.
        class_names: Strings in the order of the classifier's outputs; for one sigmoid the two
            names of 0 and 1. Several sigmoids serve the names of the labels that hold and `""` in
            the places of the others. Of several outputs a dictionary, from an output's name to
            its strings. `None` (default): indices.
        preprocessing: Keras layer or another callable that maps the inputs to those that the
            classifier was trained on, such as the `ZCAWhitening` of the input pipeline. It becomes
            a part of the graph. `None` (default): nothing.
        example: A batch of inputs as they will be sent: the warm-up requests (its first row, and
            all of it). It decides about shapes and dtypes where the classifier doesn't declare
            its inputs (subclassed models) or there is a `preprocessing`. `None` (default): zeros
            as the classifier declares its inputs.
        overwrite: Whether an existing version may be replaced; a server that has it loaded goes on
            with the old one. Defaults to `False`.

    Returns:
        The folder of the version, a string.

    Raises:
        FileExistsError: If the version exists and `overwrite` is not set.
        RuntimeError: On another backend than TensorFlow.
        TypeError: If an argument is of the wrong type.
        ValueError: If the model isn't built, its output can't be read (see `VATModel`), the class
            names don't fit it, or `example` is needed and missing.

    Example:

    >>> keras_vat.export_for_serving(model, "/models/digits", class_names=list("0123456789"))
    '/models/digits/1'
    >>> loaded = tf.saved_model.load("/models/digits/1")
    >>> loaded.signatures["serving_default"](inputs=x)["classes"]

    Reference:
        https://www.tensorflow.org/tfx/guide/serving and
        https://www.tensorflow.org/tfx/serving/saved_model_warmup
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "`export_for_serving` needs Keras on TensorFlow. Save the model by `model.save`, and "
            "load and export it in a process with KERAS_BACKEND=tensorflow. A SavedModel of the "
            "classifier's outputs alone is written from here by `model.export`, where TensorFlow "
            "is installed. "
            f"Received: backend={keras.backend.backend()!r}"
        )
    path = arguments.path("path", path)
    overwrite = arguments.boolean("overwrite", overwrite)
    version = arguments.whole_number("version", version, 1)

    from keras_vat.serving.served_version import write_version  # TensorFlow is imported here

    return write_version(
        model, path, version, input_name, class_names, preprocessing, example, overwrite
    )
