"""Small data and small classifiers that the tests of the model share."""

import atexit
import gc
import os
import pathlib
import re
import shutil
import tempfile
import types

os.environ.setdefault("JAX_ENABLE_X64", "1")  # tests of formulas compute in float64
# On JAX most of the time goes into compiling, and many tests compile the same: all processes of a
# run share what they have compiled. Give a folder of your own to keep it from run to run. What has
# to be optimized as for users asks for the fixture `optimized`; 0 optimizes all.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="compiled-on-jax-")
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

import keras
import numpy as np
import pytest
from golden.tanh_net import tanh

import keras_vat

# Files that import TensorFlow at their head are about what is TensorFlow's own: pipelines,
# strategies, SavedModels, TensorFlow Probability. On another backend they stay away. Single tests
# say it by the fixture `tf` or by `pytest.mark.backend`.
collect_ignore = []
if keras.backend.backend() != "tensorflow":
    here = pathlib.Path(__file__).parent
    collect_ignore = [
        str(path.relative_to(here))
        for path in here.rglob("test_*.py")
        if re.search("^(import|from) tensorflow", path.read_text(), re.MULTILINE)
    ]


# Something of every room, and of every library that the package leans on: what has to hold for any
# version that `setup.py` allows. A folder stands for all its files.
CORE = (
    "test_keras_internals.py",
    "test_vat_model_errors.py",
    "autodiff",
    "callbacks/test_callbacks_with_vat_model.py",
    "data/test_semi_supervised.py",
    "forward/test_forward.py",
    "forward/test_output_meaning.py",
    "generators/glow/test_glow_freezing.py",
    "generators/test_bijector_generator.py",
    "generators/vae/test_vae_saving.py",
    "plotting/test_plot_robustness_curve.py",
    "regularizers/test_contract.py",
    "saving/test_earlier_versions.py",
    "saving/test_saving.py",
    "saving/test_tensorflow_checkpoint.py",
    "serving/test_export_for_serving.py",
    "serving/test_warmup_requests.py",
    "training/test_vat_model_compile.py",
    "training/test_vat_model_distribution.py",
)


def pytest_collection_modifyitems(items):
    here = pathlib.Path(__file__).parent
    core = [here / path for path in CORE]
    for item in items:
        if any(path in (item.path, *item.path.parents) for path in core):
            item.add_marker("core")


def pytest_runtest_setup(item):
    for mark in item.iter_markers("backend"):
        if keras.backend.backend() not in mark.args:
            pytest.skip(f"is about {' and '.join(mark.args)}")


def input_dtype(policy):
    """A float64 classifier needs a float64 input: Keras casts inputs to their declared dtype."""
    return "float64" if policy == "float64" else None


@pytest.fixture
def tf():
    """TensorFlow, for tests of what is its own; without it as the backend they are skipped."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("is about TensorFlow")
    import tensorflow

    return tensorflow


class Batched(keras.utils.PyDataset):
    """A structure of arrays in batches, the last one of what is left."""

    def __init__(self, arrays, batch_size):
        super().__init__()
        self._arrays, self._batch_size = arrays, batch_size

    @property
    def num_batches(self):
        return -(-len(keras.tree.flatten(self._arrays)[0]) // self._batch_size)

    def __getitem__(self, number):
        rows = slice(number * self._batch_size, (number + 1) * self._batch_size)
        return keras.tree.map_structure(lambda array: array[rows], self._arrays)


def iterated(arrays, batch_size):
    """An iterator of the same batches, which ends after one pass."""
    batches = Batched(arrays, batch_size)
    return map(batches.__getitem__, range(batches.num_batches))


@pytest.fixture(params=["dataset", "py_dataset"])
def batched(request):
    """Makes a data set of a structure of arrays and the number of rows in a batch.

    Of the kinds above or, for what takes any batches, `with_iterators`, also an iterator of them.
    """
    if request.param == "py_dataset":
        return Batched
    if request.param == "iterator":
        return iterated
    from_slices = request.getfixturevalue("tf").data.Dataset.from_tensor_slices
    return lambda arrays, batch_size: from_slices(arrays).batch(batch_size)


@pytest.fixture(scope="module", autouse=True)
def tidied():
    """After each file.

    On JAX what its tests have compiled goes, which of all of them fills 15 GB. What the collector
    then leaves is not looked through again, which would take longer from file to file.
    """
    yield
    if keras.backend.backend() == "jax":
        import jax

        jax.clear_caches()
    gc.collect()
    gc.freeze()


@pytest.fixture
def optimized():
    """On JAX, XLA's optimizations: two programs of one formula then round alike."""
    if keras.backend.backend() != "jax":
        yield
        return
    import jax

    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()
    yield
    jax.config.update("jax_disable_most_optimizations", before)
    jax.clear_caches()


@pytest.fixture(autouse=True)
def fixed_seeds():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def rows():
    """12 labelled rows `x`, `y` of three classes and 20 rows `unlabeled`, 4 numbers each."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 4)).astype("float32")
    return types.SimpleNamespace(
        x=x,
        y=np.argmax(x[:, :3], axis=1).astype("int32"),
        unlabeled=rng.normal(size=(20, 4)).astype("float32"),
    )


@pytest.fixture
def make_classifier():
    """Four numbers to three logits, from the same seeds each time."""

    def make(activation=None, batch_norm=False, dropout=0.0, outputs=3, dtype=None, built=True):
        keras.utils.set_random_seed(0)
        layers = [keras.Input((4,), dtype=input_dtype(dtype))] if built else []
        hidden = tanh if dtype == "float64" else "tanh"
        layers.append(keras.layers.Dense(6, hidden, dtype=dtype))
        layers += [keras.layers.BatchNormalization(dtype=dtype)] if batch_norm else []
        layers += [keras.layers.Dropout(dropout, dtype=dtype)] if dropout else []
        layers.append(keras.layers.Dense(outputs, activation, dtype=dtype))
        return keras.Sequential(layers)

    return make


@pytest.fixture
def make_vat_model(make_classifier):
    """A compiled `VATModel` of a small classifier; `**settings` go to `compile`."""

    def make(regularizers, classifier=None, model_settings=None, **settings):
        classifier = make_classifier() if classifier is None else classifier
        model = keras_vat.VATModel(classifier, regularizers, **(model_settings or {}))
        settings = {
            "optimizer": "sgd",
            "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "jit_compile": False,
            **settings,
        }
        model.compile(**settings)
        return model

    return make
