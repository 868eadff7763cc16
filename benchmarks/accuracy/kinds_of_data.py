"""Tasks of every kind of data that has few labels, or all: rows, a net, and how it is trained."""

import csv
import dataclasses
import functools
from collections.abc import Callable

import keras
import numpy as np
from keras import layers
from sklearn.feature_extraction.text import TfidfVectorizer

import keras_vat
from benchmarks.accuracy import data, generators, methods, tabular_data
from keras_vat.wrappers.perceptron import perceptron

LENGTH, WORDS, COLUMNS = 60, 8000, 64  # tokens of a text, of the vocabulary; of an embedding


@dataclasses.dataclass(frozen=True)
class Task:
    """Rows, a net, and how it is trained.

    Args:
        kind: "images", "signals", "table" or "text".
        load: Function of the folders of data: `(x, y), (x_test, y_test)`.
        classifier: Function of the inputs to train on: a function that makes the net, as
            `VATClassifier` takes it.
        num_labels: Rows with a label; `None`: all.
        batch_sizes: Rows with labels of a batch, and rows without.
        updates: Training steps.
        learning_rate: Adam's, constant through half of the updates, then down to 0.
        seeds: Number of trainings of each method.
        place: Name of the layer whose outputs are perturbed; `None`: the inputs are.
        needs: The folder of data that it needs; `None`: none.
        generator: The recipe of a generator of its images; `None`: there is none.
    """

    kind: str
    load: Callable
    classifier: Callable
    num_labels: int | None
    batch_sizes: tuple = (32, 128)
    updates: int = 1000
    learning_rate: float = 1e-3
    seeds: int = 10
    place: str | None = None
    needs: str | None = None
    generator: generators.GeneratorRecipe | None = None

    def optimizer(self):
        rate = keras_vat.optimizers.ConstantThenLinearDecay(
            self.learning_rate, self.updates, self.updates // 2
        )
        return keras.optimizers.Adam(rate)

    def distance(self, x):
        """How far rows are from their mean, root mean square, where they are perturbed."""
        if self.place is None:
            return float(np.sqrt(x.astype("float64").var(axis=0).sum()))
        return float(np.sqrt((x > 0).sum(axis=1).mean() * COLUMNS))  # of normalised embeddings


def _texts(path):
    """Texts and labels: of nine tenths to train on, and of the others."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [(row["text"], int(row["label"])) for row in csv.DictReader(file)]
    texts, y = np.array([text for text, _ in rows], object), np.array([label for _, label in rows])
    end = len(y) * 9 // 10
    return (texts[:end], y[:end]), (texts[end:], y[end:])


@functools.cache
def _tokens(path):
    """Texts as numbers of words, `(texts, LENGTH)`; 0 is padding."""
    vectorize = layers.TextVectorization(WORDS, output_sequence_length=LENGTH)
    (texts, y), (test_texts, y_test) = _texts(path)
    vectorize.adapt(texts)
    # scikit-learn's one kind of numbers
    tokens, test_tokens = (np.asarray(vectorize(x), "float32") for x in (texts, test_texts))
    return (tokens, y), (test_tokens, y_test)


@functools.cache
def _words_as_columns(path):
    """Texts as TF-IDF of their most frequent words, `(texts, WORDS)`, each of norm 1."""
    vectorizer = TfidfVectorizer(
        max_features=WORDS, stop_words="english", sublinear_tf=True, dtype="float32"
    )
    (texts, y), (test_texts, y_test) = _texts(path)
    x = vectorizer.fit_transform(texts)
    return (x.toarray(), y), (vectorizer.transform(test_texts).toarray(), y_test)


def quickstart_perceptron(x):
    return lambda input_shape, num_classes: methods.digits_mlp(settings=None)


def of_table(x):
    return lambda input_shape, num_classes: perceptron(input_shape, num_classes, seed=0)


def reader(*between):
    """A net that reads tokens: embedding, what is between, the mean over the tokens, logits."""

    def classifier(x):
        def make(input_shape, num_classes):
            embedding = keras_vat.layers.NormalizedEmbedding(
                WORDS, COLUMNS, mask_zero=True, name="embedding"
            )
            embedding.adapt(x.astype("int32"))
            inner = [layer() for layer in between]
            last = layers.Dense(num_classes)
            pooled = layers.GlobalAveragePooling1D()
            return keras.Sequential(
                [keras.Input(input_shape, dtype="int32"), embedding, *inner, pooled, last]
            )

        return make

    return classifier


def lstm():
    return layers.LSTM(64, return_sequences=True)


def digits(num_labels):
    return Task(
        "images",
        lambda _: data.load("digits", 0),
        quickstart_perceptron,
        num_labels,
        updates=600,
        learning_rate=3e-3,
        generator=generators.SMALL_DIGITS_VAE,
    )


def table(name):
    """A table's rows: which of them are for the test is the same for all seeds."""

    def load(folders):
        return tabular_data.all_rows(name, 0, folders["adult"])

    needs = "adult" if name == "adult" else None
    return Task("table", load, of_table, tabular_data.NUM_LABELS[name], needs=needs)


def text(file, num_labels, *between):
    load = lambda folders: _tokens(folders["text"] / file)  # noqa: E731
    more = {"learning_rate": 3e-3, "updates": 600, "place": "embedding", "needs": "text"}
    return Task("text", load, reader(*between), num_labels, **more)


TASKS = {
    "digits, 50 labels": digits(50),
    "wine, 30 labels": table("wine"),
    "breast cancer, 20 labels": table("breast cancer"),
    "adult, 200 labels": table("adult"),
    "AG News, 40 labels, mean": text("ag_news.csv", 40),
    "AG News, 400 labels, mean": text("ag_news.csv", 400),
    "film reviews, 200 labels, mean": text("movie_reviews.csv", 200),
    "film reviews, 1000 labels, mean": text("movie_reviews.csv", 1000),
    "AG News, 40 labels, TF-IDF": Task(
        "text",
        lambda folders: _words_as_columns(folders["text"] / "ag_news.csv"),
        of_table,
        40,
        needs="text",
    ),
    "digits, all labels": digits(None),
    "sine waves, all labels": Task(
        "signals",
        lambda _: data.load("sine_waves", 0),
        lambda x: lambda shape, classes: keras_vat.classifiers.sine_wave_mlp(shape),
        None,
        batch_sizes=(20, 20),
        updates=2500,
    ),
    "AG News, 40 labels, LSTM": text("ag_news.csv", 40, lstm),
    "AG News, 400 labels, LSTM": text("ag_news.csv", 400, lstm),
    "film reviews, 200 labels, LSTM": text("movie_reviews.csv", 200, lstm),
    "film reviews, 1000 labels, LSTM": text("movie_reviews.csv", 1000, lstm),
    "MNIST, 100 labels": Task(
        "images",
        lambda _: data.load("mnist", 0),
        lambda x: lambda shape, classes: keras_vat.classifiers.mnist_mlp(noise=0.5),
        100,
        (64, 256),
        updates=6000,
        learning_rate=2e-3,
        seeds=5,
        generator=generators.SMALL_VAE,
    ),
}
