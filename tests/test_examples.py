"""Every example runs to its end, cut short, and leaves the pictures that it names."""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
SHORT = {
    "choose_epsilon": "--epsilons 0.6 1.2 --splits 1 --updates 20",
    "columns": "--splits 1 --updates 10",
    "distributed": "--epochs 1",
    "existing_model": "--seeds 1",
    "fast_adversarial_training": "--runs 1 --epochs 2",
    "fine_tuning": "--seeds 1 --updates 20",
    "latent_vat": "--data digits --updates 50",
    "mnist_semi_supervised": "--updates 20 --updates_per_epoch 10",
    "own_loop": "--epochs 1",
    "quickstart": "--seeds 1 --epochs 2",
    "scikit_learn": "--epsilons 0.3 3 --updates 20",
    "sequences": "--seeds 1 --epochs 1",
    "serving": "--path exported",
    "text": "--texts 60 --labels 20 --updates 20 --path exported",
    "two_moons": "",
    "virtual_movement": "--runs 1 --epochs 2",
}

pytestmark = pytest.mark.backend("tensorflow")


def test_none_is_forgotten():
    assert sorted(SHORT) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", SHORT)
def test_each_has_a_title_underlined(name):
    """By which the gallery in the documentation lists it."""
    title, line, *_ = (EXAMPLES / f"{name}.py").read_text().removeprefix('"""').splitlines()
    assert line == len(title) * "="


@pytest.mark.parametrize("name", SHORT)
def test_every_option_says_what_it_is_and_what_it_is_left_out(name):
    text = (EXAMPLES / f"{name}.py").read_text()
    shows_defaults = "ArgumentDefaultsHelpFormatter" in text
    for call in ast.walk(ast.parse(text)):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "add_argument":
            (help_text,) = [ast.unparse(k.value) for k in call.keywords if k.arg == "help"]
            assert shows_defaults or "default:" in help_text


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_examples_run(name, tmp_path):
    if name == "mnist_semi_supervised" and "TFDS_DATA_DIR" not in os.environ:
        pytest.skip("needs TFDS_DATA_DIR")
    result = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *SHORT[name].split()],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    named = [line.split(": ")[1] for line in result.stdout.splitlines() if line.startswith("pictu")]
    assert len(named) == ("--picture" in (EXAMPLES / f"{name}.py").read_text())
    assert all((tmp_path / path).stat().st_size > 10_000 for path in named)
