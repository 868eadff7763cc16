"""What editors show of a `VATModel`'s methods: Keras's own arguments."""

import ast
import inspect
import pathlib

import keras
import pytest

from keras_vat import VATModel, keras_model
from keras_vat.generators import Generator

METHODS = ("compile", "fit", "evaluate", "predict", "train_on_batch", "export", "load_weights")


@pytest.mark.parametrize("cls", [VATModel, Generator])
@pytest.mark.parametrize("name", METHODS)
def test_signatures_are_those_of_keras(cls, name):
    if (cls, name) == (Generator, "compile"):
        pytest.skip("a generator brings its loss along")
    expected = inspect.signature(getattr(keras.Model, name))
    assert inspect.signature(getattr(cls, name)) == expected


@pytest.mark.parametrize("name", METHODS)
def test_what_type_checkers_see_has_the_arguments_of_keras(name):
    """The class is there for checkers alone, so that it is read, not imported."""
    tree = ast.parse(pathlib.Path(keras_model.__file__).read_text())
    (found,) = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    for part in ast.walk(found.args):
        if isinstance(part, ast.arg):
            part.annotation = None
    signature = inspect.signature(getattr(keras.Model, name))
    assert f"({ast.unparse(found.args)})".replace("=", "") == str(signature).replace("=", "")


def test_arguments_by_position_count(make_vat_model, rows):
    model = make_vat_model("entropy")
    assert len(model.fit(rows.x, rows.y, 4, 2, 0).history["loss"]) == 2
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        model.fit(rows.x, rows.y, epoch=2)
