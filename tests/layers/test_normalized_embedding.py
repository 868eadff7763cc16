import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_vat import regularizers
from keras_vat.layers import NormalizedEmbedding

TOKENS = np.array([[1, 2, 2, 3], [1, 1, 4, 0]])
COUNTS = np.array([1, 3, 2, 1, 1])


def make(**settings):
    keras.utils.set_random_seed(0)
    layer = NormalizedEmbedding(5, 3, **settings)
    layer.build()
    return layer


def normalized(rows, counts):
    shares = counts / counts.sum()
    mean = shares @ rows
    return (rows - mean) / np.sqrt(shares @ np.square(rows - mean))


def raw(layer):
    return ops.convert_to_numpy(layer.embeddings).astype("float64")


@pytest.mark.parametrize("mask_zero", [False, True])
def test_rows_have_mean_0_and_variance_1_over_the_tokens(mask_zero):
    layer = make(mask_zero=mask_zero)
    counts = COUNTS * np.array([not mask_zero, 1, 1, 1, 1])
    layer.adapt(TOKENS)
    outputs = ops.convert_to_numpy(layer(TOKENS))
    np.testing.assert_allclose(outputs, normalized(raw(layer), counts)[TOKENS], rtol=1e-5)
    real = outputs[TOKENS > 0] if mask_zero else outputs.reshape(-1, 3)
    np.testing.assert_allclose(real.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(real.var(axis=0), 1, rtol=1e-5)


def test_without_counts_all_tokens_are_alike():
    layer = make()
    np.testing.assert_allclose(layer(TOKENS), normalized(raw(layer), np.ones(5))[TOKENS], rtol=1e-5)


def test_what_it_counts_can_be_given():
    layer = make(frequencies=COUNTS)
    adapted = make()
    adapted.adapt(TOKENS)
    np.testing.assert_array_equal(layer.frequencies, adapted.frequencies)
    again = NormalizedEmbedding.from_config(layer.get_config())
    again.build()
    np.testing.assert_array_equal(again.frequencies, layer.frequencies)


def test_adapting_again_begins_anew():
    layer = make()
    layer.adapt([[0, 0, 0]])
    layer.adapt([[1, 2, 2, 3], [1, 1], [4, 0]])
    np.testing.assert_allclose(layer.frequencies, COUNTS / 8)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("labelled", [False, True])
def test_adapting_to_a_dataset(ragged, labelled, tf):
    rows = tf.ragged.constant([[1, 2, 2, 3], [1, 1], [4, 0]]) if ragged else TOKENS
    data = (rows, np.arange(3 if ragged else 2)) if labelled else rows
    layer = make()
    layer.adapt(tf.data.Dataset.from_tensor_slices(data).batch(2))
    np.testing.assert_allclose(layer.frequencies, COUNTS / 8)


def test_the_gradient_goes_through_the_normalization():
    """Against finite differences of NumPy's formula in float64."""
    layer = make(frequencies=COUNTS)
    cotangent = np.random.default_rng(0).normal(size=(2, 4, 3))
    model = keras.Sequential([keras.Input((4,), dtype="int32"), layer])

    def value(rows):
        return np.sum(cotangent * normalized(rows, COUNTS)[TOKENS])

    rows, expected, step = raw(layer), np.zeros((5, 3)), 1e-6
    for place in np.ndindex(5, 3):
        there, back = rows.copy(), rows.copy()
        there[place] += step
        back[place] -= step
        expected[place] = (value(there) - value(back)) / (2 * step)
    before = rows.copy()
    model.compile(
        keras.optimizers.SGD(1e-4),
        lambda y, outputs: ops.sum(y * outputs, axis=-1),
        jit_compile=False,
    )
    model.train_on_batch(TOKENS, cotangent.astype("float32"))
    moved = (before - raw(layer)) / 1e-4
    np.testing.assert_allclose(moved * 8, expected, rtol=1e-3, atol=2e-2)


def test_it_is_saved(tmp_path):
    layer = make()
    layer.adapt(TOKENS)
    model = keras.Sequential([keras.Input((4,), dtype="int32"), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.layers[-1].frequencies, layer.frequencies)
    np.testing.assert_array_equal(loaded(TOKENS), model(TOKENS))


def test_it_can_not_outgrow_epsilon():
    """Ten times larger rows are the same rows: the penalty is as large as before."""
    layer = make(mask_zero=True)
    behind = [layers.GlobalAveragePooling1D(), layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,), dtype="int32"), layer, *behind])
    penalties = []
    for factor in (1.0, 10.0):
        layer.embeddings.assign(factor * raw(layer))
        vat = regularizers.VirtualAdversarialTraining(1.0, seed=0, perturb_at=layer)
        penalties.append(float(vat.penalty(model, TOKENS)))
    assert penalties[0] == pytest.approx(penalties[1], rel=1e-4) and penalties[0] > 1e-3


def test_half_precision_normalizes_in_float32():
    layer = make(dtype="mixed_bfloat16", frequencies=COUNTS)
    outputs = layer(TOKENS)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    expected = normalized(raw(layer), COUNTS)[TOKENS]
    np.testing.assert_allclose(ops.cast(outputs, "float32"), expected, rtol=1e-2)


def test_rows_to_begin_with():
    rows = np.arange(15.0).reshape(5, 3) ** 2
    layer = NormalizedEmbedding(5, 3, weights=rows)
    np.testing.assert_allclose(layer(TOKENS), normalized(rows, np.ones(5))[TOKENS], rtol=1e-5)


def test_one_token_has_no_variance():
    layer = make()
    layer.adapt([[2, 2]])
    np.testing.assert_array_equal(layer(np.array([[2]])), np.zeros((1, 1, 3)))


@pytest.mark.parametrize(
    ("frequencies", "message"),
    [
        (np.ones(4), "`frequencies` must be 5 numbers of at least 0"),
        ([1, 1, -1, 1, 1], "`frequencies` must be 5 numbers of at least 0"),
        (np.zeros(5), "`frequencies` must have at least one token"),
    ],
)
def test_frequencies_that_are_none(frequencies, message):
    with pytest.raises(ValueError, match=message):
        NormalizedEmbedding(5, 3, frequencies=frequencies)


@pytest.mark.parametrize(
    ("tokens", "error", "message"),
    [
        ([["a", "b"]], TypeError, "`tokens` must be whole numbers"),
        ([[0.5]], TypeError, "`tokens` must be whole numbers"),
        ([[5]], ValueError, "`tokens` must be from 0 to 4"),
        (np.zeros((0, 4)), ValueError, "`tokens` must have at least one token"),
        ([[0, 0]], ValueError, "`tokens` must have at least one token"),
    ],
)
def test_tokens_that_are_none(tokens, error, message):
    with pytest.raises(error, match=message):
        make(mask_zero=True).adapt(tokens)


def test_it_is_not_quantized():
    with pytest.raises(NotImplementedError, match="can't be quantized"):
        make().quantize("int8")
