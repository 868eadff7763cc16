"""How good is the direction that each way of finding r gives?

Trains a perceptron and a small convolutional net on MNIST, then finds r on test images in every
way that the package knows, in float32, bfloat16 and float16, and measures, on the float32 net:

- the mean LDS at epsilon 2 as a share of that of 30 exact power iterations,
- the cosine to the dominant eigenvector of the Hessian, found by a singular value decomposition.

Needs TFDS_DATA_DIR. About five minutes on two cores:

    python -m benchmarks.accuracy.perturbation_quality
"""

import argparse

import keras
import numpy as np
import tensorflow as tf

import keras_vat
from benchmarks import report
from keras_vat import perturbations

EPSILON = 2.0
STEPS = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, EPSILON, 10.0)  # EPSILON: as "auto" in training
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def perceptron():
    return keras_vat.classifiers.mnist_mlp()


def convolutional():
    layers = keras.layers
    stack = [keras.Input((28, 28, 1))]
    for filters in (32, 64, 64):
        stack += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D(),
        ]
    return keras.Sequential([*stack, layers.GlobalAveragePooling2D(), layers.Dense(10)])


def trained(build, data, epochs):
    keras.utils.set_random_seed(0)
    model = build()
    model.compile(
        keras.optimizers.Adam(2e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.fit(*data, batch_size=250, epochs=epochs, verbose=0)
    return model


def in_precision(build, model, policy):
    """The same net computing in another dtype."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    copy = build()
    keras.config.set_dtype_policy(before)
    copy.set_weights(model.get_weights())
    return copy


def dominant_eigenvectors(model, x):
    """By SVD of A^T J in float64, where A A^T = diag(p) - p p^T."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x, training=False)
    jacobian = tape.batch_jacobian(logits, x).numpy().astype("float64")
    jacobian = jacobian.reshape(*logits.shape, -1)
    p = tf.nn.softmax(tf.cast(logits, "float64")).numpy()
    root = np.sqrt(p)
    factor = root[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * root[:, None, :]
    _, _, vectors = np.linalg.svd(np.einsum("nij,nik->njk", factor, jacobian)[:, :, :], False)
    return vectors[:, 0].reshape(x.shape)


def lds(model, x, r):
    clean, perturbed = model(x, training=False), model(x + r, training=False)
    return float(np.mean(keras_vat.divergences.Categorical().kl(clean, perturbed)))


def ways():
    yield "random", 0, None
    for iterations in (1, 2, 4):
        yield "auto", iterations, None
        yield "exact", iterations, None
    for method in ("logit_difference", "finite_difference"):
        for xi in STEPS:
            yield method, 1, xi
        yield method, 1, None


def measure(name, build, data, x, epochs):
    model = trained(build, data, epochs)
    x = tf.constant(x)
    best = dominant_eigenvectors(model, x)

    def find(net, method, iterations, xi):
        curvature = "auto" if method == "random" else method
        return perturbations.VirtualAdversarialPerturbation(
            EPSILON, iterations, curvature, xi, seed=1
        )(net, x)

    reference = lds(model, x, find(model, "exact", 30, None))
    top = lds(model, x, tf.constant(best * EPSILON, "float32"))
    print(f"{name}: LDS {reference:.3f} after 30 exact iterations, {top:.3f} along the eigenvector")
    rows = []
    for dtype, policy in POLICIES.items():
        net = in_precision(build, model, policy)
        for method, iterations, xi in ways():
            r = find(net, method, iterations, xi)
            cosine = np.abs(np.sum(r.numpy() * best, axis=(1, 2, 3))) / EPSILON
            rows.append(
                {
                    "net": name,
                    "dtype": dtype,
                    "curvature": method,
                    "xi": "chosen" if xi is None else xi,
                    "K": iterations,
                    "share of K = 30 LDS": lds(model, x, r) / reference,
                    "mean cosine": float(cosine.mean()),
                }
            )
    return rows


def summarize(rows):
    """The shares of one way side by side for the dtypes."""
    lines = {}
    for row in rows:
        key = (row["net"], row["curvature"], row["xi"], row["K"])
        line = lines.setdefault(key, dict(zip(("net", "curvature", "xi", "K"), key, strict=True)))
        line[f"LDS, {row['dtype']}"] = row["share of K = 30 LDS"]
        line[f"cosine, {row['dtype']}"] = row["mean cosine"]
    return list(lines.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--images", type=int, default=1000)
    arguments = parser.parse_args()
    train, (x_test, _) = keras_vat.data.load("mnist")
    rows = []
    for name, build in (("perceptron", perceptron), ("convolutional", convolutional)):
        rows += measure(name, build, train, x_test[: arguments.images], arguments.epochs)
    summary = summarize(rows)
    print(report.table(summary))
    report.save("perturbation_quality", rows, epsilon=EPSILON, summary=summary)


if __name__ == "__main__":
    main()
