"""Commands that are written down, or noted beside results, are those that run."""

import importlib.machinery
import pathlib
import re
import sys

import pytest

from benchmarks import report

ROOT = pathlib.Path(__file__).parents[2]
BENCHMARKS = sorted(ROOT.glob("benchmarks/**/*.py"))
PROGRAMS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__"): path
    for path in BENCHMARKS
    if '__name__ == "__main__"' in path.read_text()
}


def commands(path):
    return set(re.findall(r"python -m (benchmarks(?:\.\w+)*)", path.read_text()))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_say_how_they_are_run(name):
    assert name in commands(PROGRAMS[name])


def test_programs_that_are_named_are_there():
    texts = [ROOT / "README.md", *ROOT.glob("benchmarks/*.md"), *ROOT.glob("examples/*.py")]
    named = set().union(*map(commands, [*texts, *BENCHMARKS]))
    assert named == set(PROGRAMS)


@pytest.mark.parametrize("name", ["benchmarks.accuracy.__main__", "benchmarks.speed.step_time"])
def test_results_have_the_command_as_it_is_typed(name, monkeypatch):
    module = importlib.machinery.ModuleSpec(name, None)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", module)
    monkeypatch.setattr(sys, "argv", ["/path/of/the/file.py", "--methods", "vmt shift"])
    typed = f"python -m {name.removesuffix('.__main__')} --methods 'vmt shift'"
    assert report.environment()["command"] == typed
