"""Every row of every table can be trained as it is written down."""

import keras
import pytest

import keras_vat
from benchmarks.accuracy import generators
from benchmarks.accuracy import methods as m
from benchmarks.accuracy.tables import TABLES

ROWS = [(table, name) for table in TABLES for name in TABLES[table].rows]


@pytest.fixture(scope="module")
def generator():
    return keras_vat.generators.VAE((4, 4, 1), latent_dim=2, widths=(2,)).freeze()


@pytest.fixture(autouse=True)
def no_training(monkeypatch, generator):
    monkeypatch.setattr(generators, "trained", lambda recipe: generator)


@pytest.mark.parametrize(("table", "name"), ROWS)
def test_rows_fit_together(table, name):
    row = TABLES[table].rows[name]
    assert all(tuple(chosen) == row.names for chosen in row.grid)
    for chosen in row.grid:
        assert all(regularizer.weight > 0.0 for regularizer in row.regularizers(**chosen))
        made = row.callbacks(epochs=1, updates=1, **chosen)
        assert all(isinstance(callback, keras.callbacks.Callback) for callback in made)
    for updates in (1, row.settings.num_updates):
        assert isinstance(row.optimizer(row.settings, updates), keras.optimizers.Optimizer)
    assert all(0.0 < error < 50.0 for error in row.papers.values())


def test_the_middle_of_the_grid_is_the_published_value():
    for table, name in ROWS:
        row = TABLES[table].rows[name]
        if row.regularizers in (m.vat, m.papers_vat, m.vat_entropy):
            assert row.grid[len(row.grid) // 2]["epsilon"] == row.settings.epsilon


@pytest.mark.parametrize(
    ("table", "shape"),
    [
        ("mnist-supervised", (28, 28, 1)),
        ("mnist-ssl", (28, 28, 1)),
        ("cifar10-supervised", (32, 32, 3)),
        ("cifar10-ssl", (32, 32, 3)),
        ("svhn-ssl", (32, 32, 3)),
        ("lvat", (32, 32, 3)),
        ("lvat-svhn", (32, 32, 3)),
        ("lvat-mnist", (28, 28, 1)),
        ("sine-waves", (100, 1)),
    ],
)
def test_classifiers_take_the_data(table, shape):
    rows = {row.classifier: row for row in TABLES[table].rows.values()}
    for row in rows.values():
        classifier = row.classifier(row.settings, **row.grid[0])
        assert classifier.input_shape == (None, *shape)


@pytest.mark.parametrize("table", ["mnist-supervised", "sine-waves"])
def test_dropout_reaches_the_perceptron(table):
    row = TABLES[table].rows["dropout"]
    layers = row.classifier(row.settings, dropout=0.35).layers
    assert {layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)} == {0.35}


def test_noise_reaches_the_perceptron():
    row = TABLES["mnist-ssl"].rows["vat"]
    layers = row.classifier(row.settings, epsilon=5.0).layers
    assert {n.stddev for n in layers if isinstance(n, keras.layers.GaussianNoise)} == {0.5}


@pytest.mark.parametrize("table", TABLES)
def test_published_updates_are_hardly_cut(table):
    for name, row in TABLES[table].rows.items():
        assert 0.99 < TABLES[table].updates(name) / row.settings.num_updates <= 1.0
