"""The gallery: the papers' figures, drawn anew from short trainings.

Pictures go to `results/figures/` and their numbers beside them, as JSON. On the digits bundled
with scikit-learn everything takes about six minutes on two cores; on MNIST (10,000 training
images, `TFDS_DATA_DIR`) an estimated hour.

    python -m benchmarks.figures
    python -m benchmarks.figures --data mnist --only smoothness robustness
    python -m benchmarks.figures --quick --folder /tmp/figures     # does it work? a minute

What to expect: with VAT, R_vadv stays small (2); a range of epsilon works, and alpha = 1 (3); one
power iteration finds nearly all of R_vadv (4); each classifier's own examples deceive it, the one
trained with VAT at larger epsilon, and it withstands most of the other's (6); gradients of RPT are
noisier (7). A flow gives images back, a VAE blurs them; with VMT, images may move. The networks are
small and the runs short: the shapes of the curves are the point, not their heights.
"""

import argparse
import dataclasses
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from benchmarks import report
from benchmarks.figures import fat, lvat, vat, vmt
from benchmarks.figures.training import SETUPS

FIGURES = {
    "smoothness": vat.smoothness,  # VAT, figure 2
    "epsilon-and-weight": vat.epsilon_and_weight,  # 3
    "power-iterations": vat.power_iterations,  # 4
    "images-over-epsilon": vat.images_over_epsilon,  # 5
    "robustness": vat.robustness,  # 6
    "labelled-robustness": vat.labelled_robustness,  # 6, on adversarial examples
    "gradient-noise": vat.gradient_noise,  # 7
    "random-samples": vat.random_samples,  # 8
    "latent-statistics": lvat.latent_statistics,  # LVAT, figures 5 and 6
    "reconstruction-error": lvat.reconstruction_error,  # LVAT, figure 8
    "movement-fields": vmt.movement_fields,  # VMT, figures 1 and 3
    "bad-samples": fat.bad_samples,  # FAT, figure 5
}


def draw(name, setup, folder):
    """Draws one figure into the folder and returns how long it took and how large it is."""
    start = time.perf_counter()
    figure, numbers = FIGURES[name](setup)
    path = folder / f"{setup.data}-{name}.png"
    figure.savefig(path, dpi=100)
    plt.close(figure)
    seconds = round(time.perf_counter() - start, 1)
    return numbers, {"figure": name, "seconds": seconds, "kB": path.stat().st_size // 1000}


def main():
    parser = argparse.ArgumentParser(
        "python -m benchmarks.figures", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", choices=SETUPS, default="digits")
    parser.add_argument("--only", choices=FIGURES, nargs="+", metavar="NAME", default=[*FIGURES])
    parser.add_argument("--quick", action="store_true", help="short trainings")
    parser.add_argument("--folder", type=pathlib.Path, default=report.RESULTS / "figures")
    arguments = parser.parse_args()

    setup = SETUPS[arguments.data]
    setup = setup.quick() if arguments.quick else setup
    arguments.folder.mkdir(parents=True, exist_ok=True)
    settings = {**dataclasses.asdict(setup), "classifier": setup.classifier.__name__}
    for name in arguments.only:
        numbers, row = draw(name, setup, arguments.folder)
        print(f"{name:22}{row['seconds']:8.1f} s{row['kB']:6d} kB", flush=True)
        path = (arguments.folder / f"{setup.data}-{name}").resolve()
        report.save(path, [row], settings=settings, numbers=numbers)


if __name__ == "__main__":
    main()
