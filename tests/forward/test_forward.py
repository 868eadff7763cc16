"""The view of one step: shared noise, state that stands still, policies of batch statistics."""

import numpy as np
import pytest
from golden.weight_gradients import weight_gradients
from keras import ops

from keras_vat import Forward
from keras_vat.autodiff import gradient
from keras_vat.forward.perturbable import Perturbable, as_tensors


def snapshot(classifier):
    return [np.array(variable.value) for variable in classifier.variables]


def changed(classifier, before):
    """Names of the variables that differ from a snapshot."""
    return {
        variable.name
        for variable, value in zip(classifier.variables, before, strict=True)
        if np.any(np.asarray(variable.value) != value)
    }


def assign_moved(forward):
    """What a step does in its end."""
    for variable, value in forward.moved:
        variable.assign(value)


def test_training_passes_of_a_step_share_their_noise(make_classifier, rows):
    classifier = make_classifier(batch_norm=True, dropout=0.5)
    forward = Forward(classifier, training=True)
    x = ops.convert_to_tensor(rows.x)
    labelled = forward.labelled(x).logits
    np.testing.assert_array_equal(forward.logits(x), labelled)
    np.testing.assert_array_equal(forward.search(x).logits, labelled)
    np.testing.assert_array_equal(forward.clean(ops.convert_to_tensor(rows.x)).logits, labelled)
    assert np.any(labelled != classifier(x, training=False))


def test_noise_differs_from_step_to_step(make_classifier, rows):
    classifier = make_classifier(dropout=0.5)
    x = ops.convert_to_tensor(rows.x)
    forward = Forward(classifier, training=True)
    first = forward.labelled(x).logits
    assign_moved(forward)
    assert np.any(first != Forward(classifier, training=True).labelled(x).logits)


def test_only_the_labelled_pass_moves_state(make_classifier, rows):
    classifier = make_classifier(batch_norm=True, dropout=0.5)
    x = ops.convert_to_tensor(rows.x)
    before = snapshot(classifier)
    forward = Forward(classifier, training=True)
    forward.clean(x), forward.logits(x + 1), forward.search(x + 2)
    assert forward.moved == []
    forward.labelled(x)
    assert changed(classifier, before) == set()  # in the end of the step alone
    assign_moved(forward)
    assert changed(classifier, before) == {
        "moving_mean",
        "moving_variance",
        "seed_generator_state",
    }


def test_clean_pass_of_a_batch_runs_once(make_classifier, rows):
    forward = Forward(make_classifier(), training=True)
    x, other = ops.convert_to_tensor(rows.x), ops.convert_to_tensor(rows.unlabeled)
    assert forward.clean(x) is forward.clean(x)
    assert forward.clean(x) is not forward.clean(other)
    assert forward.labelled(other) is forward.clean(other)


def test_batch_policy_uses_batch_statistics(make_classifier, rows):
    classifier = make_classifier(batch_norm=True)
    x = ops.convert_to_tensor(rows.x)
    expected = classifier(x, training=True)
    np.testing.assert_array_equal(Forward(classifier, training=True).logits(x), expected)


def test_moving_policy_uses_moving_averages_with_dropout_active(make_classifier, rows):
    classifier = make_classifier(batch_norm=True, dropout=0.5)
    classifier.layers[1].moving_mean.assign(np.full(6, 0.3))
    classifier.layers[1].gamma.trainable = False
    x = ops.convert_to_tensor(rows.x)
    before = snapshot(classifier)
    forward = Forward(classifier, training=True, batch_statistics="moving")
    logits = forward.logits(x)
    assert changed(classifier, before) == set()
    dense, batch_norm, dropout, head = classifier.layers
    # The state stood still, so this draws the same mask.
    expected = head(dropout(batch_norm(dense(x), training=False), training=True))
    np.testing.assert_allclose(logits, expected, rtol=1e-6)
    assert np.any(logits != classifier(x, training=False))
    assert batch_norm.trainable and batch_norm.beta.trainable and not batch_norm.gamma.trainable


def test_moving_policy_leaves_the_labelled_pass_alone(make_classifier, rows):
    classifier = make_classifier(batch_norm=True)
    x = ops.convert_to_tensor(rows.x)
    before = snapshot(classifier)
    expected = classifier(x, training=True)
    for variable, value in zip(classifier.variables, before, strict=True):
        variable.assign(value)
    forward = Forward(classifier, training=True, batch_statistics="moving")
    np.testing.assert_array_equal(forward.labelled(x).outputs, expected)
    assert {variable.name for variable, _ in forward.moved} == {"moving_mean", "moving_variance"}
    # The clean pass of the penalties follows the policy, so it is another pass.
    assert np.any(forward.clean(x).logits != expected)


def test_moving_policy_still_trains_scale_and_offset(make_classifier, rows):
    classifier = make_classifier(batch_norm=True)
    forward = Forward(classifier, training=True, batch_statistics="moving")
    x = ops.convert_to_tensor(rows.x)
    _, gradients = weight_gradients(
        lambda: ops.sum(forward.logits(x) ** 2), classifier.trainable_weights
    )
    assert all(np.any(gradient) for gradient in gradients)


def test_update_policy_moves_averages_with_every_penalty_pass(make_classifier, rows):
    classifier = make_classifier(batch_norm=True, dropout=0.5)
    x = ops.convert_to_tensor(rows.x)
    before = snapshot(classifier)
    forward = Forward(classifier, training=True, batch_statistics="update")
    forward.search(x)
    assert forward.moved == []
    forward.logits(x)
    assert {variable.name for variable, _ in forward.moved} == {"moving_mean", "moving_variance"}
    assign_moved(forward)
    assert changed(classifier, before) == {"moving_mean", "moving_variance"}
    batch_norm = classifier.layers[1]
    once = np.array(batch_norm.moving_mean)
    hidden = np.asarray(classifier.layers[0](x)).mean(axis=0)
    np.testing.assert_allclose(once, 0.01 * hidden, rtol=1e-4, atol=1e-7)
    forward.logits(x)
    assign_moved(forward)
    np.testing.assert_allclose(
        batch_norm.moving_mean, 0.99 * once + 0.01 * hidden, rtol=1e-4, atol=1e-7
    )


@pytest.mark.parametrize("policy", ["batch", "moving", "update"])
def test_inference_ignores_the_policy(make_classifier, rows, policy):
    classifier = make_classifier(batch_norm=True, dropout=0.5)
    before = snapshot(classifier)
    forward = Forward(classifier, batch_statistics=policy)
    np.testing.assert_array_equal(forward.logits(ops.convert_to_tensor(rows.x)), classifier(rows.x))
    assert changed(classifier, before) == set()


@pytest.mark.parametrize("policy", ["batch", "moving", "update"])
def test_unbuilt_classifier_gets_its_state_before_the_first_pass(make_classifier, rows, policy):
    x = ops.convert_to_tensor(rows.x)
    results = []
    for built in (True, False):
        classifier = make_classifier(batch_norm=True, dropout=0.5, built=built)
        classifier.layers[2].seed_generator.state.assign([5, 0])
        forward = Forward(classifier, training=True, batch_statistics=policy)
        outputs = [forward.clean(x).logits, forward.logits(x + 1), forward.labelled(x).outputs]
        assign_moved(forward)
        results.append([np.array(output) for output in outputs] + snapshot(classifier))
    for expected, actual in zip(*results, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_pass_products_are_those_of_the_jacobian(make_classifier, rows):
    classifier = make_classifier(dropout=0.5, dtype="float64")
    forward = Forward(classifier, training=True)
    x = ops.convert_to_tensor(np.float64(rows.x[:2]))
    clean = forward.clean(x)
    jacobian = np.stack(
        [gradient(lambda parts, i=i: forward.logits(parts[0])[:, i], [x])[0] for i in range(3)],
        axis=1,
    )
    rng = np.random.default_rng(0)
    d, u = rng.normal(size=(2, 4)), rng.normal(size=(2, 3))
    np.testing.assert_allclose(
        clean.jvp([ops.convert_to_tensor(d)]), np.einsum("bij,bj->bi", jacobian, d), rtol=1e-10
    )
    np.testing.assert_allclose(
        clean.vjp(ops.convert_to_tensor(u))[0], np.einsum("bij,bi->bj", jacobian, u), rtol=1e-10
    )


def test_perturbable_parts_are_the_floating_ones():
    x = {"a": ops.ones((2, 3)), "b": (ops.ones((2,), "int32"), ops.zeros((2, 1), "float16"))}
    perturbable = Perturbable(x)
    assert [part.dtype for part in perturbable.parts] == ["float32", "float16"]
    moved = perturbable.shift([ops.ones((2, 3)), ops.ones((2, 1), "float16")])
    np.testing.assert_array_equal(moved["a"], np.full((2, 3), 2.0))
    assert moved["b"][0] is x["b"][0]
    np.testing.assert_array_equal(moved["b"][1], np.ones((2, 1)))


def test_perturbable_refuses_integers():
    with pytest.raises(TypeError, match=r"`x` must have at least one floating.*\['uint8'\]"):
        Perturbable(ops.zeros((2, 3), "uint8")).check()


def test_arrays_become_tensors_as_in_fit():
    x = as_tensors({"a": np.zeros(2), "b": np.zeros(2, "float16"), "c": np.zeros(2, "int64")})
    assert [x[key].dtype for key in "abc"] == ["float32", "float16", "int64"]


def test_forward_of_what_is_no_model():
    with pytest.raises(TypeError, match=r"`classifier` must be a.*Keras model.*of type str"):
        Forward.of("mnist")


def test_forward_of_a_forward_is_itself(make_classifier):
    forward = Forward(make_classifier())
    assert Forward.of(forward) is forward


def test_forward_of_a_vat_model_has_its_policies(make_classifier, make_vat_model, rows):
    model = make_vat_model([], make_classifier("sigmoid"), {"output": "bernoulli"})
    assert Forward.of(model).clean(ops.convert_to_tensor(rows.x)).distribution.name == "bernoulli"
    assert Forward.of(model).classifier is model.classifier
