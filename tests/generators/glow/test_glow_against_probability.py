"""The same flow, put together from TensorFlow Probability's bijectors."""

import numpy as np
import pytest
import tensorflow as tf

tfp = pytest.importorskip(
    "tensorflow_probability", reason="the independent computation needs TensorFlow Probability"
)


def step_bijector(level, k, channels):
    """Actnorm, convolution and coupling of one step, from the level's bare weights."""
    tfb = tfp.bijectors
    weights = {
        name: np.float64(getattr(level.convolution, name).numpy()[k])
        for name in ("permutation", "lower", "upper", "log_abs_diagonal", "sign")
    }
    lower = np.tril(weights["lower"], -1) + np.eye(channels)
    upper = np.triu(weights["upper"], 1) + np.diag(
        weights["sign"] * np.exp(weights["log_abs_diagonal"])
    )
    # TensorFlow Probability has column vectors of channels: W^T.
    matrix = (weights["permutation"] @ lower @ upper).T
    kernels = [weight.numpy()[k] for weight in level.coupling.network]

    def shift_and_log_scale(a, _):
        h = tf.nn.relu(tf.nn.conv2d(a, kernels[0], 1, "SAME") + kernels[1])
        h = tf.nn.relu(tf.nn.conv2d(h, kernels[2][None, None], 1, "SAME") + kernels[3])
        h, shift = tf.split(tf.nn.conv2d(h, kernels[4], 1, "SAME") + kernels[5], 2, axis=-1)
        scale = 0.1 + 0.9 * tf.sigmoid(h + 2.0)
        return shift * scale, tf.math.log(scale)

    return tfb.Chain(
        [
            tfb.RealNVP(channels // 2, shift_and_log_scale_fn=shift_and_log_scale),
            tfb.ScaleMatvecLinearOperator(tf.linalg.LinearOperatorFullMatrix(matrix)),
            tfb.Shift(level.actnorm.shift.numpy()[k]),
            tfb.Scale(log_scale=level.actnorm.log_scale.numpy()[k]),
        ]
    )


def squeezed(x):
    """Blocks of pixels to channels, by TensorFlow's own op."""
    return tf.nn.space_to_depth(x, 2)


@pytest.mark.parametrize("frozen", [False, True])
def test_latents_log_prob_and_inverse_agree(make_glow, images, frozen):
    glow = make_glow((8, 12, 1), num_steps=2, dtype="float64")
    x = images(3, 8, 12, 1, dtype="float64")
    normal = tfp.distributions.Normal(tf.zeros((), "float64"), 1.0)
    h, log_prob, latents, chains = tf.constant(x - 0.5), 0.0, [], []
    for level in glow.flow.levels:
        h = squeezed(h)
        chain = tfp.bijectors.Chain(
            [step_bijector(level, k, h.shape[-1]) for k in reversed(range(2))]
        )
        y = chain.forward(h)
        log_prob += chain.forward_log_det_jacobian(h, event_ndims=3)
        chains.append((chain, y))
        h, factored = tf.split(y, 2, axis=-1)
        latents.append(factored if level is not glow.flow.levels[-1] else y)
    log_prob += tf.add_n([tf.reduce_sum(normal.log_prob(z), axis=[1, 2, 3]) for z in latents])

    if frozen:
        glow.freeze()
    for part, expected in zip(glow.encode(x), latents, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-9)
    np.testing.assert_allclose(glow.log_prob(x), log_prob, rtol=1e-9)
    for level, (chain, y) in zip(glow.flow.levels, chains, strict=True):
        np.testing.assert_allclose(level.inverse(y), chain.inverse(y), atol=1e-9)
