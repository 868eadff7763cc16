"""Is a frozen generator in half precision good enough for the direction of LVAT?

A Glow and a perceptron are trained on digits in float32. Copies of the Glow, whose coupling
networks compute in half precision, then look for r on the test images, from the same random
directions; what they find is measured on the float32 Glow:

- the median over the images of D[f(x), f(Dec(z + r))], as a share of that along float32's r: the
  mean is that of a few images which the flow decodes to numbers far from images,
- the median of the cosine to float32's r, and for how many images r has the other sign,
- how far decoded images are from the encoded ones, the largest difference.

About three minutes on two cores:

    python -m benchmarks.accuracy.latent_precision
"""

import argparse

import keras
import numpy as np
from keras import ops

import keras_vat
from benchmarks import report
from benchmarks.accuracy import data, methods
from benchmarks.accuracy.perturbation_quality import POLICIES, in_precision

EPSILONS = (0.3, 1.0, 3.0)


def glow():
    return keras_vat.generators.Glow((8, 8, 1), num_levels=2, num_steps=8, width=64, seed=0)


def trained(x, y, epochs):
    """A Glow, frozen, and a classifier."""
    keras.utils.set_random_seed(0)
    flow = glow()
    flow.compile(keras.optimizers.Adam(1e-3))
    flow.fit(x, batch_size=64, epochs=epochs, verbose=0)
    classifier = methods.digits_mlp(settings=None)
    classifier.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    classifier.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return flow.freeze(), classifier


def direction(flow, classifier, x, epsilon, iterations=1):
    """r, all latent parts in one row for each image."""
    found = keras_vat.perturbations.LatentVirtualAdversarialPerturbation(
        flow, epsilon, iterations, seed=1
    )(classifier, x)
    return rows(found)


def rows(parts):
    parts = [ops.convert_to_numpy(ops.cast(part, "float32")) for part in parts]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def moved(flow, x, r):
    """Dec(Enc(x) + r)."""
    z = flow.encode(x)
    sizes = np.cumsum([np.prod(part.shape[1:]) for part in z])[:-1]
    shares = np.split(r, sizes, axis=1)
    return flow.decode([part + s.reshape(part.shape) for part, s in zip(z, shares, strict=True)])


def lds(flow, classifier, x, r):
    clean, perturbed = classifier(x), classifier(moved(flow, x, r))
    return float(np.median(keras_vat.divergences.Categorical().kl(clean, perturbed)))


def measure(flow, classifier, x):
    expected = {epsilon: direction(flow, classifier, x, epsilon) for epsilon in EPSILONS}
    for dtype, policy in POLICIES.items():
        copy = in_precision(glow, flow, policy).freeze()
        error = float(np.abs(copy(x) - x).max())
        for epsilon, best in expected.items():
            for name, iterations in (("LVAT", 1), ("random", 0)):
                r = direction(copy, classifier, x, epsilon, iterations)
                cosines = np.sum(r * best, 1) / epsilon**2
                divergences = [lds(flow, classifier, x, along) for along in (r, best)]
                yield {
                    "generator": dtype,
                    "epsilon": epsilon,
                    "direction": name,
                    "median divergence over float32's": divergences[0] / divergences[1],
                    "median cosine to float32's": float(np.median(cosines)),
                    "other sign, %": 100 * float(np.mean(cosines < 0)),
                    "largest error of decode(encode(x))": error,
                }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    arguments = parser.parse_args()
    (x, y), (x_test, _) = data.load("digits", 0)
    lines = list(measure(*trained(x, y, arguments.epochs), x_test))
    print(report.table(lines))
    report.save("latent_precision", lines, epochs=arguments.epochs)


if __name__ == "__main__":
    main()
