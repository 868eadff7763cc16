import dataclasses
import json
import sys

import numpy as np
import pytest

from benchmarks.figures import __main__ as figures
from benchmarks.figures import training

TINY = dataclasses.replace(
    figures.SETUPS["digits"].quick(),
    rows=200,
    epsilons=(0.5, 1.0),
    sizes=(0.5, 2.0),
    epochs=2,
    updates=20,
)


@pytest.fixture
def draw(monkeypatch, tmp_path):
    """Draws figures of a tiny setup and returns the numbers of each."""
    monkeypatch.setitem(figures.SETUPS, "digits", TINY)

    def call(*names):
        program = ["figures", "--folder", str(tmp_path), "--only", *names]
        monkeypatch.setattr(sys, "argv", program)
        figures.main()
        numbers = {}
        for name in names:
            assert (tmp_path / f"digits-{name}.png").stat().st_size > 5000
            content = json.loads((tmp_path / f"digits-{name}.json").read_text())
            assert content["settings"]["epochs"] == 2 and content["rows"][0]["figure"] == name
            numbers[name] = content["numbers"]
        return numbers

    return call


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*averages of batch normalisation still remember")
def test_draws_figures_with_their_numbers(draw):
    found = draw("smoothness", "power-iterations", "images-over-epsilon", "robustness")
    assert [len(logged["lds"]) for logged in found["smoothness"].values()] == [2, 2]
    assert found["power-iterations"]["VAT"][0] < found["power-iterations"]["VAT"][1]
    assert np.shape(found["images-over-epsilon"]["test error, %"]) == (2, 1)
    errors = [v for name, v in found["robustness"].items() if name.startswith("error of")]
    assert np.shape(errors) == (4, 2) and 0 < np.max(errors) <= 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*averages of batch normalisation still remember")
def test_draws_generators_movements_and_bad_samples(draw):
    found = draw("latent-statistics", "reconstruction-error", "movement-fields", "bad-samples")
    assert found["reconstruction-error"]["Glow"][2] < 0.01 * found["reconstruction-error"]["VAE"][0]
    for sensitivity in found["movement-fields"].values():
        assert [len(values) for values in sensitivity.values()] == [2, 2, 2]
    assert set(found["bad-samples"]["share kept"]) == {"of VAT", "of supervised"}


@pytest.mark.slow
def test_trainings_do_not_depend_on_what_was_trained_before():
    first, error = training.semi_supervised(TINY, 1.0, seed=3)
    training.semi_supervised(TINY, 0.5, weight=2.0, seed=1)
    training.semi_supervised.cache_clear()
    again, same_error = training.semi_supervised(TINY, 1.0, seed=3)
    assert again is not first and same_error == error
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_refuses_unknown_figures(draw, capsys):
    with pytest.raises(SystemExit):
        draw("figure-9")
    assert "invalid choice: 'figure-9'" in capsys.readouterr().err
