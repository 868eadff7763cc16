"""The README's code runs as it stands (for one epoch)."""

import pathlib
import re

import pytest

README = pathlib.Path(__file__).parents[1] / "README.md"


@pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")
def test_the_first_lines_run():
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    shorter = code.replace("epochs=30", "epochs=1")
    assert shorter != code
    names = {}
    exec(shorter, names)
    history = names["model"].history.history
    assert {"loss", "supervised_loss", "vat", "accuracy", "val_accuracy"} <= set(history)
