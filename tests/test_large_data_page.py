"""The code of `docs/large_data.md` runs as it stands, each part on its backend."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "large_data.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the page is not beside the tests")


def blocks(beginning=None):
    """The code of the page that begins with a comment, or all that begins with none."""
    found = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    if beginning is None:
        return [code for code in found if not code.startswith("#")]
    return [code for code in found if code.startswith(beginning)]


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
def test_files_restarts_workers_and_the_service(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in blocks():
        exec(code, names)
    assert int(names["checkpoint"].save_counter) == 4
    assert int(names["model"].optimizer.iterations) == 20 + 40 + 10

    (worker,) = blocks("# worker.py")
    (tmp_path / "worker.py").write_text(worker)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "worker.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Epoch 4/4" in done.stdout
    assert list(tmp_path.glob("checkpoints-0/ckpt-4.index"))


@pytest.mark.backend("jax")
def test_grain():
    pytest.importorskip("grain")
    (code,) = blocks("# KERAS_BACKEND=jax")
    names = {}
    exec(code, names)
    batches = names["GrainBatches"](names["labeled"], names["unlabeled"], 10, first_epoch=1)
    whole = names["GrainBatches"](names["labeled"], names["unlabeled"], 20)
    for number in range(10):
        for part, expected in zip(batches[number][0], whole[10 + number][0], strict=True):
            assert part.shape[1:] == (32, 32, 3) and (part == expected).all()
    assert int(names["model"].optimizer.iterations) == 20
