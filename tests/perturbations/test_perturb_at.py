"""Perturbations of what a layer returns: the same as those of the model cut by hand behind it."""

import threading

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_vat import Forward, VATModel, evaluation, perturbations, regularizers

TOKENS = np.array([[1, 2, 3, 4, 0, 0], [5, 6, 7, 8, 1, 2], [3, 3, 1, 0, 0, 0]])
Y = np.array([0, 1, 2])
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def tail(steps=6):
    """What follows the embedding: `(batch, steps, 4)` to three logits."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((steps, 4)),
            layers.Conv1D(5, 2, activation="tanh"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ],
        name="tail",
    )


def functional(embedding, behind):
    tokens = keras.Input((6,), dtype="int32")
    return keras.Model(tokens, behind(embedding(tokens)))


def sequential(embedding, behind):
    return keras.Sequential([keras.Input((6,), dtype="int32"), embedding, *behind.layers])


class Subclassed(keras.Model):
    def __init__(self, embedding, behind):
        super().__init__()
        self.embedding, self.behind = embedding, behind

    def call(self, tokens):
        return self.behind(self.embedding(tokens))


def nested(embedding, behind):
    tokens = keras.Input((6,), dtype="int32")
    encoder = keras.Sequential([keras.Input((6,), dtype="int32"), embedding], name="encoder")
    return keras.Model(tokens, behind(encoder(tokens)))


def make_embedding(**settings):
    keras.utils.set_random_seed(0)
    embedding = layers.Embedding(9, 4, name="embedding", **settings)
    embedding.build()
    embedding.embeddings.assign(ops.convert_to_numpy(embedding.embeddings) * 20)
    return embedding


MAKERS = {
    "functional": functional,
    "sequential": sequential,
    "subclassed": Subclassed,
    "nested": nested,
}
KINDS = {
    "random": lambda **a: perturbations.RandomPerturbation(0.5, seed=3, **a),
    "adversarial": lambda **a: perturbations.AdversarialPerturbation(0.5, **a),
    "virtual": lambda **a: perturbations.VirtualAdversarialPerturbation(0.5, seed=3, **a),
    "exact": lambda **a: perturbations.VirtualAdversarialPerturbation(
        0.5, 2, curvature="exact", seed=3, **a
    ),
    "better sign": lambda **a: perturbations.VirtualAdversarialPerturbation(
        0.5, sign_search=True, seed=3, **a
    ),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_that_of_the_model_cut_by_hand(make, kind):
    embedding, behind = make_embedding(), tail()
    classifier = make(embedding, behind)
    r = KINDS[kind](perturb_at="embedding")(classifier, TOKENS, Y)
    embedded = embedding(TOKENS)
    expected = KINDS[kind]()(behind, embedded, Y)
    np.testing.assert_allclose(r, expected, rtol=1e-4, atol=1e-6)
    outputs = KINDS[kind](perturb_at="embedding").outputs(classifier, TOKENS, Y)
    np.testing.assert_allclose(outputs, behind(embedded + expected), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("rpt", {}),
        ("at", {}),
        ("vat", {}),
        ("vat", {"curvature": "logit_difference"}),
        ("fat", {"radius": 0.7}),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_penalties_are_those_of_the_model_cut_by_hand(name, arguments, training):
    embedding, behind = make_embedding(), tail()
    classifier = functional(embedding, behind)
    arguments = {"epsilon": 0.5, "seed": 3, **arguments}
    penalty = regularizers.get(name, perturb_at="embedding", **arguments).penalty(
        Forward(classifier, training=training), TOKENS, Y
    )
    expected = regularizers.get(name, **arguments).penalty(
        Forward(behind, training=training), embedding(TOKENS), Y
    )
    np.testing.assert_allclose(penalty, expected, rtol=1e-4, atol=1e-6)


def test_the_embedding_is_trained_through_the_penalty():
    """Its gradient is that of the penalty at the moved point, by finite differences."""
    embedding, behind = make_embedding(), tail()
    classifier = functional(embedding, behind)
    model = VATModel(
        classifier, regularizers.RandomPerturbationTraining(0.5, perturb_at="embedding")
    )
    model.compile(keras.optimizers.SGD(0.1), LOGITS, jit_compile=False)
    before = ops.convert_to_numpy(embedding.embeddings).copy()
    model.fit(TOKENS, Y, verbose=0)
    moved = np.any(ops.convert_to_numpy(embedding.embeddings) != before, axis=-1)
    np.testing.assert_array_equal(moved, [row in TOKENS for row in range(9)])


def test_gradients_of_the_embedding_against_finite_differences():
    embedding, behind = make_embedding(), tail()
    classifier = functional(embedding, behind)
    at = regularizers.AdversarialTraining(0.5, perturb_at="embedding")
    target = embedding.embeddings
    start = ops.convert_to_numpy(target).astype("float64")

    def penalty(values):
        target.assign(values)
        return float(at.penalty(classifier, TOKENS, Y))

    direction = np.random.default_rng(0).normal(size=start.shape)
    numeric = (penalty(start + 1e-2 * direction) - penalty(start - 1e-2 * direction)) / 2e-2
    target.assign(start)
    exact = directional_gradient(at, classifier, target, direction)
    np.testing.assert_allclose(exact, numeric, rtol=2e-2)


def directional_gradient(regularizer, classifier, variable, direction):
    """By AD through the penalty, r being a constant: the envelope theorem says it is enough."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = regularizer.penalty(classifier, TOKENS, Y)
        gradient = tf.convert_to_tensor(tape.gradient(value, variable.value))
    else:
        import jax

        def value(now):
            with keras.StatelessScope([(variable, now)]):
                return regularizer.penalty(classifier, TOKENS, Y)

        gradient = jax.grad(value)(variable.value)
    return float(np.sum(ops.convert_to_numpy(gradient) * direction))


@pytest.mark.parametrize("kind", KINDS)
def test_padded_steps_stay_and_the_rest_has_the_whole_norm(kind):
    stack = [layers.LSTM(5), layers.Dense(3)]
    classifier = keras.Sequential(
        [keras.Input((6,), dtype="int32"), make_embedding(mask_zero=True), *stack]
    )
    r = np.asarray(KINDS[kind](perturb_at="embedding")(classifier, TOKENS, Y))
    np.testing.assert_array_equal(r[TOKENS == 0], 0.0)
    np.testing.assert_allclose(np.sqrt((r**2).sum((1, 2))), 0.5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["random", "virtual"])
def test_a_padding_mask_that_is_an_input_of_its_own(kind):
    """As keras-hub's backbones have it."""

    class Backbone(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = make_embedding()
            self.attention, self.dense = layers.MultiHeadAttention(2, 3), layers.Dense(3)

        def call(self, inputs):
            mask = ops.cast(inputs["padding_mask"], "bool")
            h = self.embedding(inputs["token_ids"])
            return self.dense(self.attention(h, h, attention_mask=mask[:, None, :])[:, 0])

    x = {"token_ids": TOKENS, "padding_mask": (TOKENS > 0).astype("int32")}
    r = np.asarray(KINDS[kind](perturb_at="embedding")(Backbone(), x))
    np.testing.assert_array_equal(r[TOKENS == 0], 0.0)
    np.testing.assert_allclose(np.sqrt((r**2).sum((1, 2))), 0.5, rtol=1e-5)


def test_several_places_share_one_norm():
    a, b = keras.Input((2,), dtype="int32", name="a"), keras.Input((3,), dtype="int32", name="b")
    first, second = layers.Embedding(9, 4, name="first"), layers.Embedding(9, 4, name="second")
    joined = layers.Concatenate(axis=1)([first(a), second(b)])
    classifier = keras.Model({"a": a, "b": b}, layers.Dense(3)(layers.Flatten()(joined)))
    x = {"a": TOKENS[:, :2], "b": TOKENS[:, 2:5]}
    perturbation = perturbations.VirtualAdversarialPerturbation(
        1.0, seed=1, perturb_at=["first", second]
    )
    r = [np.asarray(part) for part in perturbation(classifier, x)]
    assert [part.shape for part in r] == [(3, 2, 4), (3, 3, 4)]
    np.testing.assert_allclose(sum((part**2).sum((1, 2)) for part in r), 1.0, rtol=1e-5)
    assert perturbation.get_config()["perturb_at"] == ["first", second.path]


def test_a_layer_called_twice_is_moved_in_both_calls():
    a, b = keras.Input((2,), dtype="int32"), keras.Input((2,), dtype="int32")
    shared = layers.Embedding(9, 4, name="shared")
    difference = layers.Subtract()([shared(a), shared(b)])
    classifier = keras.Model([a, b], layers.Dense(3)(layers.Flatten()(difference)))
    r = perturbations.AdversarialPerturbation(1.0, perturb_at="shared")(
        classifier, [TOKENS[:, :2], TOKENS[:, 2:4]], Y
    )
    np.testing.assert_allclose(r[0], -np.asarray(r[1]), atol=1e-6)


def test_a_place_behind_another_one_is_moved_from_where_that_moves_it():
    """Against a linear model: d logits = W2 (W1 r1 + r2)."""
    inputs = keras.Input((4,))
    first, second = layers.Dense(4, name="first"), layers.Dense(4, name="second")
    head = layers.Dense(3, name="head")
    classifier = keras.Model(inputs, head(second(first(inputs))))
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    perturbation = perturbations.AdversarialPerturbation(1.0, perturb_at=["first", "second"])
    r = [np.asarray(part) for part in perturbation(classifier, x, Y)]
    w1, w2 = (ops.convert_to_numpy(layer.kernel) for layer in (second, head))
    outputs = perturbation.outputs(classifier, x, Y)
    moved = (r[0] @ w1 + r[1]) @ w2
    np.testing.assert_allclose(outputs - classifier(x), moved, rtol=1e-3, atol=1e-5)
    slope = ops.convert_to_numpy(ops.softmax(classifier(x))) - np.eye(3)[Y]
    g = [slope @ w2.T @ w1.T, slope @ w2.T]
    norm = np.sqrt(sum((part**2).sum(-1) for part in g))[:, None]
    for part, expected in zip(r, g, strict=True):
        np.testing.assert_allclose(part, expected / norm, rtol=1e-3, atol=1e-5)


def test_two_threads_at_two_places_get_the_numbers_of_one():
    embedding, behind = make_embedding(), tail()
    classifier = functional(embedding, behind)
    places = ["embedding", behind.layers[0].name]

    def at(place):
        perturbation = perturbations.VirtualAdversarialPerturbation(0.5, seed=3, perturb_at=place)
        return np.asarray(perturbation(classifier, TOKENS))

    expected, found = [at(place) for place in places], {}
    threads = [
        threading.Thread(target=lambda place=place: found.update({place: at(place)}))
        for place in places
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, r in zip(places, expected, strict=True):
        np.testing.assert_allclose(found[place], r, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_compiled_fit_and_the_evaluations(jit_compile):
    classifier = functional(make_embedding(), tail())
    methods = [
        regularizers.VirtualAdversarialTraining(0.5, seed=1, perturb_at="embedding"),
        regularizers.EntropyMinimization(),
    ]
    model = VATModel(classifier, methods)
    model.compile("adam", LOGITS, jit_compile=jit_compile)
    history = model.fit(TOKENS, Y, epochs=2, verbose=0).history
    assert np.isfinite(history["vat"]).all() and history["vat"][0] > 0
    smoothness = evaluation.local_distributional_smoothness(
        model, TOKENS, perturbation=methods[0].perturbation
    )
    assert smoothness.shape == (3,) and np.all(smoothness > 0)


def test_it_is_saved_with_the_model(tmp_path):
    classifier = functional(make_embedding(), tail())
    vat = regularizers.VirtualAdversarialTraining(0.5, perturb_at=classifier.get_layer("embedding"))
    model = VATModel(classifier, vat)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.regularizers[0].places == ["embedding"]
    np.testing.assert_allclose(loaded.predict(TOKENS, verbose=0), model(TOKENS), rtol=1e-5)


def test_what_is_in_front_runs_once_in_a_compiled_step(tf):
    """Two convolutions in front, one behind: nothing in front is computed for moved points."""
    stack = [layers.Conv1D(4, 3, padding="same") for _ in range(2)]
    place, behind = layers.Activation("tanh", name="place"), layers.Conv1D(3, 3)
    head = [behind, layers.GlobalAveragePooling1D(), layers.Dense(3)]
    classifier = keras.Sequential([keras.Input((8, 2)), *stack, place, *head])
    for layer in stack:
        layer.trainable = False
    x = tf.zeros((3, 8, 2))

    def count(regularizer):
        model = VATModel(classifier, regularizer)
        model.compile(keras.optimizers.SGD(0.1), LOGITS, jit_compile=False)
        step = tf.function(lambda: model._compute_step(x, tf.constant(Y), None).penalties)
        graph = step.get_concrete_function()
        pruned = tf.compat.v1.graph_util.extract_sub_graph(
            graph.graph.as_graph_def(), [output.op.name for output in graph.outputs]
        )
        return sum(node.op == "Conv2D" for node in pruned.node)

    vat = regularizers.VirtualAdversarialTraining(1.0, perturb_at="place")
    # Clean pass: 2 + 1; the point of the power iteration and the moved point: 1 each.
    assert count(vat) == 2 + 3


@pytest.mark.parametrize(
    "place, message",
    [
        ("nowhere", "must be the name.*Received: perturb_at='nowhere'; its layers: .*embedding"),
        ("dense", "layers of that name"),
    ],
)
def test_unclear_names_are_refused(place, message):
    stack = [make_embedding(), layers.Flatten(), layers.Dense(4)]
    classifier = keras.Sequential([keras.Input((6,), dtype="int32"), *stack])
    if place == "dense":
        inner = [
            keras.Sequential([keras.Input((4,)), layers.Dense(4, name="dense")], name=name)
            for name in "pq"
        ]
        classifier = keras.Sequential([keras.Input((4,)), *inner])
    perturbation = perturbations.RandomPerturbation(1.0, perturb_at=place)
    with pytest.raises(ValueError, match=message):
        perturbation(classifier, TOKENS if place == "nowhere" else np.ones((2, 4)))


def test_wrong_places_are_refused():
    with pytest.raises(TypeError, match="`perturb_at` must be the name.*Received: perturb_at=3"):
        perturbations.RandomPerturbation(1.0, perturb_at=3)
    perturbation = perturbations.RandomPerturbation(1.0, perturb_at="cell")
    rnn = layers.RNN(layers.LSTMCell(3, name="cell"))
    classifier = keras.Sequential([keras.Input((5, 2)), rnn, layers.Dense(3)])
    with pytest.raises(ValueError, match="not be a layer inside a recurrent loop.*Received"):
        perturbation(classifier, np.ones((2, 5, 2), "float32"))
    with pytest.raises(ValueError, match="`perturb` has no inputs.*`outputs.classifier, x, y.`"):
        perturbation.perturb(classifier, np.ones((2, 5, 2), "float32"))
    tokens = keras.Input((6,), dtype="int32")
    flat = layers.Dense(3)(ops.cast(layers.Flatten(name="integers")(tokens), "float32"))
    perturbation = perturbations.RandomPerturbation(1.0, perturb_at="integers")
    with pytest.raises(ValueError, match="returns floating numbers. Received: perturb_at"):
        perturbation(keras.Model(tokens, flat), TOKENS)


@pytest.mark.parametrize("entry", ["mask", "scale"])
def test_several_places_are_in_the_order_they_are_named_in(entry):
    """Not in that of their calls, here the other way round."""
    keras.utils.set_random_seed(0)
    x = keras.Input((3,))
    first = layers.Dense(4, name="first")(x)
    second = layers.Dense(4, name="second")(keras.ops.tanh(first))
    model = keras.Model(x, layers.Dense(2)(keras.ops.tanh(second)))
    batch = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")

    def r(perturb_at, **settings):
        perturbation = perturbations.VirtualAdversarialPerturbation(
            0.5, seed=1, perturb_at=perturb_at, num_power_iterations=20, **settings
        )
        return perturbation(model, batch)

    moved, still = r(["second", "first"], **{entry: [np.ones(4), np.zeros(4)]})
    np.testing.assert_array_equal(still, 0.0)
    np.testing.assert_allclose(np.abs(moved), np.abs(r("second")), atol=1e-4)
