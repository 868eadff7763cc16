"""Writes `start.ipynb`, the page `start.md` as a notebook with its outputs.

python docs/make_notebook.py
"""

import json
import pathlib
import re

HERE = pathlib.Path(__file__).parent
FENCE = re.compile(r"```(\w+)\n(.*?)\n```", re.DOTALL)


def notebook(text):
    """The notebook of a page: its code in cells, with the output that stands below it."""
    cells, end = [], 0
    for found in [*FENCE.finditer(text), None]:
        between = text[end : found.start() if found else None].strip()
        if between:
            cells.append({"cell_type": "markdown", "metadata": {}, "source": lines(between)})
        if found is None:
            break
        kind, content = found.groups()
        end = found.end()
        if kind == "python":
            cells.append(code_cell(content))
        elif kind in ("text", "output"):
            stream = {"output_type": "stream", "name": "stdout", "text": lines(content + "\n")}
            cells[-1]["outputs"].append(stream)
        else:
            fenced = f"```{kind}\n{content}\n```"
            cells.append({"cell_type": "markdown", "metadata": {}, "source": lines(fenced)})
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def code_cell(code):
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": lines(code),
    }


def lines(text):
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    page = notebook((HERE / "start.md").read_text())
    (HERE / "start.ipynb").write_text(json.dumps(page, indent=1) + "\n")
