import keras
import numpy as np
import pytest
from golden.compiled import compiled
from keras import ops

from keras_vat.autodiff import Linearization, gradient
from keras_vat.generators import Glow


@pytest.mark.parametrize("scale", ["sigmoid", "exponential"])
@pytest.mark.parametrize(
    ("shape", "levels", "latents"),
    [
        ((8, 12, 1), 2, [(4, 6, 2), (2, 3, 8)]),
        ((8, 4, 3), 1, [(4, 2, 12)]),
        ((32, 32, 3), 3, [(16, 16, 6), (8, 8, 12), (4, 4, 48)]),
        ((28, 28, 1), 3, [(16, 16, 2), (8, 8, 4), (4, 4, 16)]),
        ((5, 7, 2), 2, [(4, 4, 4), (2, 2, 16)]),
    ],
)
def test_decode_inverts_encode(make_glow, images, shape, levels, latents, scale):
    glow = make_glow(shape, num_levels=levels, scale=scale)
    x = images(3, *shape)
    z = glow.encode(x)
    assert [tuple(part.shape[1:]) for part in z] == glow.latent_shapes == latents
    np.testing.assert_allclose(glow.decode(z), x, atol=1e-4)
    np.testing.assert_allclose(glow(x), x, atol=1e-4)
    moved = glow.decode([part + 0.1 for part in z])
    assert np.abs(moved - x).max() > 0.01


def test_encode_inverts_decode(make_glow):
    glow = make_glow(dtype="float64")
    z = [0.02 * np.random.default_rng(0).normal(size=(2, *s)) for s in glow.latent_shapes]
    back = compiled(lambda z: glow.encode(glow.decode(z)))(z)
    for part, expected in zip(back, z, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-9)


def test_deep_flow_of_the_paper_is_inverted(images):
    glow = Glow((16, 16, 3), num_levels=3, num_steps=22, width=8, seed=0)
    rng = np.random.default_rng(0)
    for weight in glow.trainable_weights:
        weight.assign(np.asarray(weight.value) + 0.01 * rng.normal(size=weight.shape))
    x = images(4, 16, 16, 3)
    glow.initialize(x)
    np.testing.assert_allclose(glow(x), x, atol=1e-4)


def test_images_decoded_from_far_away_are_finite(make_glow):
    glow = make_glow()
    rng = np.random.default_rng(3)
    for weight in glow.trainable_weights:
        if "coupling" in weight.path:
            weight.assign(rng.normal(size=weight.shape))
    x = glow.decode([10.0 * rng.normal(size=(4, *shape)) for shape in glow.latent_shapes])
    assert np.all(np.isfinite(x)) and np.max(np.abs(x)) > 100.0


def test_all_parts_of_the_latents_matter(make_glow, images):
    glow, x = make_glow(), images(1, 8, 12, 1)
    z = glow.encode(x)
    for index in range(len(z)):
        moved = [part + 0.1 if i == index else part for i, part in enumerate(z)]
        assert np.abs(glow.decode(moved) - x).max() > 1e-3


def test_gradients_reach_latents_also_outside_of_the_range(make_glow):
    glow = make_glow()
    z = [ops.full((2, *shape), 2.0) for shape in glow.latent_shapes]
    x = glow.decode(z)
    assert np.max(x) > 1.5 or np.min(x) < -0.5
    outside = (x < 0) | (x > 1)
    gradients = gradient(lambda z: ops.where(outside, glow.decode(z), 0.0), z)
    assert all(np.all(np.isfinite(g)) and np.any(g) for g in gradients)


@pytest.mark.parametrize("wrap", [lambda run: run, compiled], ids=["eager", "compiled"])
def test_directional_derivative_through_the_decoder(make_glow, images, wrap):
    """The loop can be differentiated twice: exact curvature needs it."""
    glow = make_glow(num_levels=1, num_steps=2, dtype="float64")
    z = glow.encode(images(2, 8, 12, 1, dtype="float64"))
    tangents = [ops.convert_to_tensor(np.random.default_rng(0).normal(size=p.shape)) for p in z]

    def jvp(z, tangents):
        return Linearization(lambda parts: (glow.decode(parts), None), z).jvp(tangents)

    found = wrap(jvp)(z, tangents)
    ends = [
        glow.decode([p + e * t for p, t in zip(z, tangents, strict=True)]) for e in (1e-6, -1e-6)
    ]
    np.testing.assert_allclose(found, (ends[0] - ends[1]) / 2e-6, atol=1e-6)


@pytest.mark.parametrize(("frozen", "jit_compile"), [(False, False), (True, False), (True, True)])
def test_compiled_calls_agree_with_eager_ones(make_glow, images, frozen, jit_compile, tf):
    glow, x = make_glow(num_levels=1), images(3, 8, 12, 1)
    signature = tf.TensorSpec((3 if jit_compile else None, 8, 12, 1))
    if frozen:
        glow.freeze()

    def run(x):
        z = glow.encode(x)
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = tf.reduce_sum(tf.square(glow.decode(z)))
        return [*z, glow.log_prob(x), *tape.gradient(value, z)]

    expected = run(tf.constant(x))
    function = tf.function(run, jit_compile=jit_compile, input_signature=[signature])
    for value, other in zip(function(x), expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-4)


def test_samples(make_glow):
    glow = make_glow()
    first = glow.sample(3, seed=5)
    assert first.shape == (3, 8, 12, 1)
    np.testing.assert_array_equal(glow.sample(3, seed=5), first)
    for seed in (6, -1):
        assert np.abs(glow.sample(3, seed=seed) - first).max() > 0.01
    assert np.abs(first[0] - first[1]).max() > 0.01
    assert np.abs(glow.sample(2) - glow.sample(2)).max() > 0.01
    np.testing.assert_array_equal(make_glow().sample(2), make_glow().sample(2))


def test_samples_are_decoded_normal_latents(make_glow):
    glow = make_glow(dtype="float64")
    sample = glow.sample(40, seed=0, temperature=0.01)
    z = compiled(glow.encode)(sample)
    deviations = [np.std(part) for part in z]
    np.testing.assert_allclose(deviations, 0.01, rtol=0.15)


def test_temperature_zero_is_the_image_of_the_origin(make_glow):
    glow = make_glow()
    origin = glow.decode([np.zeros((2, *shape), "float32") for shape in glow.latent_shapes])
    np.testing.assert_allclose(glow.sample(2, temperature=0.0), origin, atol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_half_precision_leaves_images_and_densities_in_single(make_glow, images, dtype):
    glow, x = make_glow(dtype=dtype), images(3, 8, 12, 1)
    exact = make_glow()
    z = glow.encode(x)
    assert all(part.dtype == "float32" for part in z)
    assert glow.decode(z).dtype == glow.log_prob(x).dtype == "float32"
    np.testing.assert_allclose(glow(x), x, atol=1e-2)
    per_number = (glow.log_prob(x) - exact.log_prob(x)) / 96
    assert 0 < np.abs(per_number).max() < 0.05


def test_outer_mixed_precision_does_not_reach_in(make_glow, images):
    """A classifier in half precision that holds a flow must not round the flow's weights."""
    glow, x = make_glow(), images(3, 8, 12, 1)

    class Outer(keras.layers.Layer):
        def call(self, inputs):
            return glow.log_prob(inputs)

    outer = Outer(dtype="mixed_bfloat16", autocast=False)
    np.testing.assert_allclose(outer(x), glow.log_prob(x), rtol=1e-6)


def test_seed_decides_the_first_weights():
    def weights(seed):
        glow = Glow((4, 4, 1), num_levels=1, num_steps=1, width=2, seed=seed)
        return np.concatenate([np.ravel(weight) for weight in glow.get_weights()])

    np.testing.assert_array_equal(weights(1), weights(1))
    assert np.abs(weights(1) - weights(2)).max() > 0.1
    keras.utils.set_random_seed(3)
    first = weights(None)
    assert np.abs(first - weights(None)).max() > 0.1
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(weights(None), first)
    assert np.isfinite(weights(-1)).all()


def test_on_jax_flows_are_compiled_once():
    flow = Glow((8, 8, 1), num_levels=1, num_steps=2, width=4)
    runs = []
    forward = flow.flow.forward
    flow.flow.forward = lambda *args: runs.append(None) or forward(*args)
    x = np.random.default_rng(0).uniform(size=(3, 8, 8, 1)).astype("float32")
    z, density = flow.encode(x), flow.log_prob(x)
    again, same = flow.encode(x), flow.log_prob(x)
    np.testing.assert_allclose(again[0], z[0])
    np.testing.assert_allclose(same, density)
    assert len(runs) == (2 if keras.backend.backend() == "jax" else 4)
    flow.initialize(x)
    assert not np.allclose(flow.encode(x)[0], z[0])
