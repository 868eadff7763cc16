"""Places in backbones of keras-hub, in half precision and in evaluations."""

import keras
import numpy as np
import pytest
from golden.norms import norms
from golden.quick import TRACED
from keras import layers, ops

from keras_vat import VATModel, callbacks, evaluation, perturbations, regularizers

TOKENS = np.array([[1, 2, 3, 4, 0, 0], [5, 6, 7, 8, 1, 2], [3, 3, 1, 0, 0, 0], [4, 4, 2, 1, 8, 0]])
Y = np.array([0, 1, 2, 1])
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def of_tokens(dtype=None):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True, name="embedding", dtype=dtype),
            layers.GlobalAveragePooling1D(dtype=dtype),
            layers.Dense(3, dtype=dtype),
        ]
    )


def vat(**settings):
    return regularizers.VirtualAdversarialTraining(
        0.5, perturb_at="embedding", **{"seed": 1, **settings}
    )


@pytest.fixture(scope="module")
def bert():
    """A BERT of keras-hub with random weights, behind it a head."""
    hub = pytest.importorskip("keras_hub", reason="keras-hub is not installed")
    keras.utils.set_random_seed(0)
    backbone = hub.models.BertBackbone(
        vocabulary_size=9,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=8,
        max_sequence_length=6,
        dropout=0.1,
    )
    return hub, hub.models.BertTextClassifier(backbone, num_classes=3, preprocessor=None)


def bert_inputs():
    return {
        "token_ids": TOKENS,
        "segment_ids": np.zeros_like(TOKENS),
        "padding_mask": (TOKENS > 0).astype("int32"),
    }


@pytest.mark.parametrize("kind", [perturbations.RandomPerturbation, None])
def test_the_tokens_of_a_backbone(bert, kind):
    """Nothing in the padding, which keras-hub gives as an input of its own; the norm is epsilon."""
    kind = kind or perturbations.VirtualAdversarialPerturbation
    r = ops.convert_to_numpy(kind(0.5, perturb_at="token_embedding")(bert[1], bert_inputs()))
    np.testing.assert_array_equal(r[TOKENS == 0], 0.0)
    np.testing.assert_allclose(norms(r), 0.5, rtol=1e-5)


def test_a_backbone_is_trained(bert):
    method = regularizers.VirtualAdversarialTraining(
        0.5, seed=1, perturb_at="bert_backbone/token_embedding"
    )
    model = VATModel(bert[1], method)
    model.compile("adam", LOGITS, **TRACED)
    history = model.fit(bert_inputs(), Y, epochs=2, batch_size=2, verbose=0).history
    assert np.isfinite(history["vat"]).all() and history["vat"][0] > 0


@pytest.mark.slow
def test_a_preprocessor_inside_a_model_of_strings(bert, tf):
    hub, _ = bert
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "plot"]
    preprocessor = hub.models.BertTextClassifierPreprocessor(
        hub.tokenizers.BertTokenizer(vocabulary=words), sequence_length=6
    )
    keras.utils.set_random_seed(0)
    backbone = hub.models.BertBackbone(9, 1, 2, 8, 8, max_sequence_length=6)
    inner = hub.models.BertTextClassifier(backbone, num_classes=3, preprocessor=None)

    class OfStrings(keras.Model):
        def __init__(self):
            super().__init__()
            self.preprocessor, self.inner = preprocessor, inner

        def call(self, texts, training=None):
            return self.inner(self.preprocessor(texts), training=training)

    texts = np.array(["good film", "bad plot bad film", "plot", "good good plot"], dtype=object)
    model = VATModel(
        OfStrings(), regularizers.VirtualAdversarialTraining(0.5, perturb_at="token_embedding")
    )
    model.compile("adam", LOGITS, jit_compile=False)
    dataset = tf.data.Dataset.from_tensor_slices((texts.astype(str), Y)).batch(2)
    history = model.fit(dataset, verbose=0).history
    assert np.isfinite(history["vat"]).all() and history["vat"][0] > 0


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(dtype):
    model = VATModel(of_tokens(dtype), vat())
    model.compile("adam", LOGITS, jit_compile=False)
    history = model.fit(TOKENS, Y, epochs=2, verbose=0).history
    assert np.isfinite(history["vat"]).all() and history["vat"][0] > 0
    r = ops.convert_to_numpy(ops.cast(vat().perturbation(model, TOKENS), "float32"))
    np.testing.assert_allclose(norms(r), 0.5, rtol=1e-2)


def test_evaluations_and_monitors_at_a_place(tmp_path, tf):
    model, other = (VATModel(of_tokens(), vat()) for _ in range(2))
    settings = {"perturb_at": "embedding", "seed": 0}
    lds = evaluation.local_distributional_smoothness(model, TOKENS, 0.5, **settings)
    perturbation = perturbations.VirtualAdversarialPerturbation(0.5, **settings)
    found = evaluation.local_distributional_smoothness(model, TOKENS, perturbation=perturbation)
    np.testing.assert_array_equal(lds, found)
    (statistics,) = evaluation.perturbation_statistics(
        model, TOKENS, {"VAT": perturbation}
    ).values()
    np.testing.assert_allclose(statistics.distance, 0.5, rtol=1e-5)
    np.testing.assert_allclose(statistics.consistency_cost, lds, rtol=1e-4)
    curve = evaluation.robustness_curve(
        {"a": model, "b": other},
        TOKENS,
        Y,
        [0.0, 50.0],
        lambda size: perturbations.AdversarialPerturbation(size, perturb_at="embedding"),
    )
    assert np.isnan(curve.errors[0, 1]).all() and curve.examples is None
    assert curve.errors[0, 0, 1] == 1.0 >= curve.errors[0, 0, 0]
    assert str(curve).count("\n") == 3
    monitor = callbacks.SmoothnessMonitor(TOKENS, 0.5, **settings)
    summary = callbacks.PerturbationSummary(TOKENS, tmp_path, perturbation)
    model.compile(keras.optimizers.SGD(0.0), LOGITS, jit_compile=False)
    history = model.fit(TOKENS, Y, verbose=0, callbacks=[monitor, summary]).history
    assert history["lds"][0] == pytest.approx(lds.mean(), rel=1e-5)
