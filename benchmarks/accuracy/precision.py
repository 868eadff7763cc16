"""Half precision beside float32: test errors of every method on digits with 50 labels.

Trains the quickstart's perceptron with every method, in every precision, from the same seeds, and
notes mean and standard deviation of the test error and whether the mean of half precision lies
within the spread over the seeds of float32. About ten minutes on two cores.

    python -m benchmarks.accuracy.precision
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_vat
from benchmarks import report
from examples import quickstart
from keras_vat import regularizers

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
METHODS = {
    **quickstart.METHODS,
    "at": lambda: [regularizers.get("at", epsilon=0.6)],
    "vmt": lambda: [regularizers.get("vmt", weight=0.03)],
    "fat": lambda: [regularizers.get("fat", epsilon=0.6, radius=1.0)],
    "lvat": lambda: [regularizers.get("lvat", generator=generator(), epsilon=1.0)],
}


def generator():
    """A small VAE, trained on the digits in the precision that is set."""
    keras.utils.set_random_seed(0)
    vae = keras_vat.generators.VAE((8, 8, 1), latent_dim=16, widths=(16, 32))
    vae.compile(keras.optimizers.Adam(1e-3))
    x = keras_vat.data.load("digits")[0][0]
    vae.fit(x, batch_size=128, epochs=30, verbose=0)
    return vae


def errors(method, precision, seeds, epochs):
    keras.config.set_dtype_policy(precision)
    return [quickstart.train(METHODS[method](), seed, 50, epochs)[0] for seed in range(seeds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    arguments = parser.parse_args()

    rows = []
    for method in arguments.methods:
        full = None
        for precision in PRECISIONS:
            found = errors(method, precision, arguments.seeds, arguments.epochs)
            full = found if full is None else full
            rows.append(
                {
                    "method": method,
                    "precision": precision,
                    "mean test error, %": float(np.mean(found)),
                    "standard deviation": float(np.std(found, ddof=1)),
                    "mean - float32's": float(np.mean(found) - np.mean(full)),
                    "standard deviation of the difference by seed": float(
                        np.std(np.subtract(found, full), ddof=1)
                    ),
                }
            )
            print(report.table(rows[-1:]), flush=True)
    report.save("precision", rows, seeds=arguments.seeds, epochs=arguments.epochs)


if __name__ == "__main__":
    main()
