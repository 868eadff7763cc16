"""The code of README and of every page in `docs/` runs, and prints what stands below it.

A block ```` ```python ```` is followed by what it prints in ```` ```text ````, to the letter, or in
```` ```output ````, where numbers hang on the machine and any number will do. The blocks of a page
share their names. One that begins with `# KERAS_BACKEND=jax` runs on JAX, the others on TensorFlow.
"""

import contextlib
import io
import json
import pathlib
import re
import runpy

import keras
import pytest

import keras_vat

ROOT = pathlib.Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```(text|output)\n(.*?)```)?", re.DOTALL)
ON_JAX = "# KERAS_BACKEND=jax"
ELSEWHERE = {"large_data"}  # tests/test_large_data_page.py

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="the pages are not beside the tests")


def pages():
    paths = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
    for path in paths:
        if path.exists() and path.stem not in ELSEWHERE:
            marks = ()  # on JAX, which has a few blocks of its own
            if path.name == "README.md":
                marks = pytest.mark.core
            elif keras.backend.backend() == "tensorflow":
                marks = pytest.mark.slow
            yield pytest.param(path, id=path.stem, marks=marks)


def blocks(path):
    """Code at its line of the page, the kind of its output, the output."""
    text = path.read_text()
    jax = keras.backend.backend() == "jax"
    for found in BLOCK.finditer(text):
        if found[1].startswith(ON_JAX) == jax:
            yield "\n" * text.count("\n", 0, found.start(1)) + found[1], found[2], found[3]


def words(text, kind):
    return (re.sub(r"\d+(\.\d*)?(e[+-]?\d+)?", "0", text) if kind == "output" else text).split()


def run(code, path, names):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, str(path), "exec"), names)
    return printed.getvalue()


@pytest.mark.parametrize("path", list(pages()))
def test_a_page(path, tmp_path, monkeypatch):
    found = list(blocks(path))
    if not found:
        pytest.skip(f"has no code for {keras.backend.backend()}")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for code, kind, output in found:
        printed = run(code, path, names)
        if kind:
            assert words(printed, kind) == words(output, kind)


@pytest.mark.parametrize("path", [page.values[0] for page in pages()])
def test_paragraphs_are_short(path):
    prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    paragraphs = re.split(r"\n\n|\n(?=- |\d+\. |\|)", prose)
    assert not [text for text in paragraphs if len(text.split()) > 60 and text[0] != "|"]
    if path.name == "README.md":
        assert len(prose.split()) <= 700


def test_the_notebook_is_the_start_page():
    """Whose code runs above."""
    make = runpy.run_path(str(DOCS / "make_notebook.py"))["notebook"]
    assert json.loads((DOCS / "start.ipynb").read_text()) == make((DOCS / "start.md").read_text())


def test_links_of_readme_and_files_of_the_papers_exist():
    links = re.findall(r"\]\(([^):]+)\)", (ROOT / "README.md").read_text())
    files = re.findall(r"`([\w/]+\.py)`", (DOCS / "papers.md").read_text())
    package = pathlib.Path(keras_vat.__file__).parent
    paths = [*(ROOT / link for link in links), *(package / file for file in files)]
    assert len(files) > 30 and not [path for path in paths if not path.exists()]


def test_messages_in_troubleshooting_are_those_of_the_package():
    quoted = re.findall(r'"([^"]+)"', (DOCS / "troubleshooting.md").read_text())
    package = pathlib.Path(keras_vat.__file__).parent
    source = "".join(path.read_text() for path in package.rglob("*.py"))
    joined = re.sub(r'"\s*\n\s*f?"', "", source)
    assert quoted and not [message for message in quoted if message not in joined]
