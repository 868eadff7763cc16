"""What an evaluation costs: its first call, which compiles, the second, and its compiled function.

LDS and a robustness curve of `conv_small` on random images, in a process of its own for each.

    python -m benchmarks.speed.evaluation_time --backends tensorflow jax   # four minutes
"""

import argparse
import time

import keras
import numpy as np

import keras_vat
from benchmarks import report
from benchmarks.speed.processes import arguments_of, measure_apart
from keras_vat.evaluation import local_distributional_smoothness, robustness_curve
from keras_vat.forward import compiled_run

ROWS = 256


def smoothness(classifier, x, y):
    local_distributional_smoothness(classifier, x, epsilon=1.0, seed=0)


def curve(classifier, x, y):
    robustness_curve({"net": classifier}, x, y, epsilons=[0.5, 1.0, 2.0, 4.0], num_examples=0)


EVALUATIONS = {"LDS": smoothness, "robustness curve, 4 sizes": curve}


class Watch:
    """Seconds within the compiled functions themselves, until their results are there."""

    def __init__(self):
        self.seconds, self._call = 0.0, compiled_run.CompiledRun.__call__

    def __enter__(self):
        def call(run, *tensors):
            start = time.perf_counter()
            found = keras.tree.map_structure(np.asarray, self._call(run, *tensors))
            self.seconds += time.perf_counter() - start
            return found

        compiled_run.CompiledRun.__call__ = call
        return self

    def __exit__(self, *_):
        compiled_run.CompiledRun.__call__ = self._call


def measure(name, repeats):
    """Seconds of the first call, of later ones, and of the compiled functions within these."""
    keras.utils.set_random_seed(0)
    classifier = keras_vat.classifiers.conv_small("cifar10")
    random = np.random.default_rng(0)
    x = random.uniform(size=(ROWS, 32, 32, 3)).astype("float32")
    y = random.integers(0, 10, ROWS)
    evaluate, seconds, within = EVALUATIONS[name], [], []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        with Watch() as watch:
            evaluate(classifier, x, y)
        seconds.append(time.perf_counter() - start)
        within.append(watch.seconds)
    return {"first": seconds[0], "later": seconds[1:], "within": within[1:]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--backends", nargs="+", choices=report.BACKENDS, default=[keras.backend.backend()]
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed calls after the first")
    arguments = arguments_of(parser, measure)
    rows = []
    for name in EVALUATIONS:
        for backend in arguments.backends:
            found = measure_apart(backend, [name, arguments.repeats])
            later, within = np.array(found["later"]), np.array(found["within"])
            rows.append(
                {
                    "evaluation": name,
                    "backend": report.BACKENDS[backend],
                    "first call, s": found["first"],
                    "second call, s": float(np.median(later)),
                    "second / compiled": float(np.median(later / within)),
                }
            )
    print(report.table(rows))
    report.save("evaluation_time", rows, arguments.backends, repeats=arguments.repeats)


if __name__ == "__main__":
    main()
