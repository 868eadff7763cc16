import keras
import numpy as np
import pytest
from golden.precision import EXACT
from golden.tanh_net import TanhNet, kl, softmax
from keras import ops

from keras_vat import SemiSupervisedInputs, VATModel
from keras_vat.evaluation import local_distributional_smoothness
from keras_vat.perturbations import RandomPerturbation, VirtualAdversarialPerturbation

X = np.random.default_rng(1).normal(size=(7, 5))


@pytest.fixture(scope="module")
def net():
    return TanhNet()


def test_lds_is_the_divergence_at_the_virtual_adversarial_perturbation(net):
    found = local_distributional_smoothness(
        net.keras_model(), ops.convert_to_tensor(X), 0.7, seed=3
    )
    perturbation = VirtualAdversarialPerturbation(0.7, seed=3)
    r = ops.convert_to_numpy(perturbation(net.keras_model(), ops.convert_to_tensor(X)))
    expected = kl(softmax(net.logits(X)), softmax(net.logits(X + r)))
    np.testing.assert_allclose(found, expected, rtol=EXACT)


def test_small_perturbations_reach_half_the_largest_eigenvalue(net):
    found = local_distributional_smoothness(
        net.keras_model(), ops.convert_to_tensor(X), 1e-3, num_power_iterations=50, seed=0
    )
    largest = np.linalg.eigvalsh(net.hessian(X))[:, -1]
    np.testing.assert_allclose(found, 0.5 * 1e-6 * largest, rtol=1e-2)


def test_batches_cover_all_rows_in_order(net):
    model = net.keras_model()
    perturbation = VirtualAdversarialPerturbation(0.5, 40, "exact", sign_search=True)
    whole = local_distributional_smoothness(model, X, None, perturbation=perturbation)
    parts = local_distributional_smoothness(model, X, None, perturbation=perturbation, batch_size=3)
    assert whole.shape == (7,)
    np.testing.assert_allclose(parts, whole, rtol=1e-3)


def test_another_perturbation_and_divergence_can_be_measured(net):
    found = local_distributional_smoothness(
        net.keras_model(),
        ops.convert_to_tensor(X),
        None,
        perturbation=RandomPerturbation(0.7, seed=2),
        divergence="reverse_kl",
    )
    r = RandomPerturbation(0.7, seed=2)(net.keras_model(), ops.convert_to_tensor(X))
    expected = kl(softmax(net.logits(X + np.array(r))), softmax(net.logits(X)))
    np.testing.assert_allclose(found, expected, rtol=EXACT)


def test_a_vat_model_is_measured_as_its_classifier(net):
    model = net.keras_model()
    one = local_distributional_smoothness(model, X, 1.0, seed=0)
    other = local_distributional_smoothness(VATModel(model), X, 1.0, seed=0)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ("mse", "gaussian"),
        (keras.losses.MeanAbsoluteError(), "gaussian"),
        (keras.losses.BinaryCrossentropy(from_logits=True), "bernoulli"),
    ],
)
def test_the_loss_of_a_plain_keras_model_says_what_its_output_means(loss, output):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="Compile it with a Keras loss that tells"):
        local_distributional_smoothness(model, X, 1.0, seed=0)
    expected = local_distributional_smoothness(VATModel(model, output=output), X, 1.0, seed=0)
    model.compile("sgd", loss)
    found = local_distributional_smoothness(model, X, 1.0, seed=0)
    np.testing.assert_array_equal(found, expected)


def test_datasets_of_inputs_of_pairs_and_of_semi_supervised_elements(net, tf):
    model = net.keras_model()
    perturbation = VirtualAdversarialPerturbation(0.5, 12, "exact", sign_search=True, seed=0)
    expected = local_distributional_smoothness(model, X, None, perturbation=perturbation)
    inputs = tf.data.Dataset.from_tensor_slices(X.astype("float32"))
    pairs = tf.data.Dataset.zip(inputs, tf.data.Dataset.range(7))
    for dataset in (
        inputs.batch(3),
        pairs.batch(2),
        pairs.batch(2).map(lambda x, y: (SemiSupervisedInputs(x[:1], x), y[:1])),
    ):
        found = local_distributional_smoothness(model, dataset, None, perturbation=perturbation)
        np.testing.assert_allclose(found, expected, rtol=2e-2)


def test_iterators_of_inputs_of_pairs_and_of_semi_supervised_elements(net):
    model, halves, y = net.keras_model(), [X[:4], X[4:]], np.arange(4)
    perturbation = VirtualAdversarialPerturbation(0.5, 12, "exact", sign_search=True, seed=0)
    expected = local_distributional_smoothness(model, X, None, perturbation=perturbation)
    for dataset in (
        iter(halves),
        ((x, y[: len(x)]) for x in halves),
        ((SemiSupervisedInputs(x[:1], x), y[:1]) for x in halves),
    ):
        found = local_distributional_smoothness(model, dataset, None, perturbation=perturbation)
        np.testing.assert_allclose(found, expected, rtol=2e-2)


def test_a_given_perturbation_is_the_same_each_time(net):
    perturbation = RandomPerturbation(0.7)
    one, other = (
        local_distributional_smoothness(net.keras_model(), X, None, perturbation=perturbation)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X[:0], r"`x` must hold the same number of rows .* Received: \[0\] rows"),
        (iter(()), "`x` must hold at least one batch. Received"),
    ],
)
def test_refuses_inputs_without_rows(net, x, message):
    with pytest.raises(ValueError, match=message):
        local_distributional_smoothness(net.keras_model(), x, 1.0)
