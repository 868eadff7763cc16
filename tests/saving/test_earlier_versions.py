"""Files that earlier versions of the package wrote."""

import json
import pathlib
import zipfile

import keras
import numpy as np
import pytest

FILES = pathlib.Path(__file__).parent / "files"


def minor(version):
    """The first two numbers of a version, to compare."""
    return tuple(int(number) for number in version.split(".")[:2])


@pytest.mark.filterwarnings("ignore:.*averages of batch normalisation:UserWarning")
@pytest.mark.parametrize("version", ["version_0_1"])
def test_a_file_of_an_earlier_version_is_loaded_and_trained_on(version):
    """It holds every method, a VAE, an optimizer of ours and metrics, written on TensorFlow."""
    with zipfile.ZipFile(FILES / f"{version}.keras") as file:
        written_by = json.loads(file.read("metadata.json"))["keras_version"]
    if minor(keras.__version__) < minor(written_by):
        pytest.skip(f"was written by Keras {written_by}, which this older Keras can't read")
    known = np.load(FILES / f"{version}.npz")
    model = keras.saving.load_model(FILES / f"{version}.keras")
    names = [regularizer.name for regularizer in model.regularizers]
    assert names == ["at", "rpt", "vat", "entropy", "vmt", "fat", "lvat"]
    assert float(model.regularizers[2].epsilon) == known["epsilon"]
    assert model.get_config()["batch_statistics"] == "batch"  # not the default of today
    assert int(model.optimizer.iterations) == 4
    predictions = model.predict(known["x"], verbose=0)
    np.testing.assert_allclose(predictions, known["predictions"], atol=1e-6)
    y = np.arange(len(known["x"])) % 3
    history = model.fit(known["x"], y, batch_size=8, verbose=0).history
    assert np.isfinite([history[name][0] for name in names]).all()
    assert int(model.optimizer.iterations) == 6
