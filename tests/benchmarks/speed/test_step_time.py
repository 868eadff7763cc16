import pytest

from benchmarks.speed import step_time


def test_a_row_for_each_backend_with_ratios_over_its_own_supervised_steps():
    found = {
        "tensorflow": ({"supervised": [1.0, 2.0], "vat": [2.0, 5.0]}, {}),
        "jax": ({"supervised": [4.0, 4.0, 4.0], "vat": [4.0, 8.0, 8.0]}, {}),
    }
    first, second = step_time.table_rows("mnist_mlp", False, "vat", found)
    assert [row["backend"] for row in (first, second)] == ["TensorFlow", "JAX"]
    assert (first["rows"], first["method"]) == ("256", "vat")
    assert first["ms per step"] == 3500.0 and first["ratio"] == 2.25
    assert second["ms per step"] == 8000.0 and second["ratio"] == 2.0
    assert second["bound"] == pytest.approx(8 / 3)
    assert second["ratio / bound"] == pytest.approx(0.75)


def test_of_latent_training_the_generators_share_is_told_apart():
    found = {"jax": ({"supervised": [1.0], "lvat-vae": [8.0]}, {"lvat-vae": [2.0]})}
    (row,) = step_time.table_rows("mnist_mlp", True, "lvat-vae", found)
    assert row["rows"] == "64 + 256" and row["generator's share"] == 0.25


@pytest.mark.parametrize("method", sorted(set(step_time.METHODS) - set(step_time.GENERATORS)))
def test_only_generators_need_the_shape(method):
    assert len(step_time.make(method)) == 1 + ("+" in method) - (method == "supervised")
