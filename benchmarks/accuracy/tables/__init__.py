"""The papers' tables as data: how each row was trained, and the test error in % it reached.

VAT: Miyato et al., arXiv:1704.03976. VMT: "Virtual movement training" (2018). FAT: Kim et al.
(2019), whose accuracies stand here as errors. LVAT: Osada et al. (2021). A line of a table is

    name on the command line: row(regularizers, grid of hyper-parameters, the papers' figures)

Where a paper names no hyper-parameters, the grid is ours, within the range that it searched. A new
table is a new entry of `TABLES`.
"""

from benchmarks.accuracy.rows import Table
from benchmarks.accuracy.tables import cifar10, digits, latent, mnist, sine_waves, svhn

TABLES = {
    "mnist-supervised": Table(
        "mnist", mnist.SUPERVISED, validation_rows=10_000, evaluate_every=600
    ),
    # 297 of the 1,297 digits that train are few: many draws.
    "digits-ssl": Table(
        "digits",
        digits.SSL,
        validation_rows=297,
        evaluate_every=100,
        seeds=tuple(range(20)),
        tune_seeds=tuple(range(1000, 1010)),
    ),
    "mnist-ssl": Table("mnist", mnist.SSL),
    # An epoch is one pass over the 59,000 unlabelled images in batches of 256.
    "mnist-few-labels": Table(
        "mnist", mnist.FEW_LABELS, evaluate_every=230, seeds=(0, 1, 2, 3, 4), target_error=2.0
    ),
    "fat-sensitivity": Table("mnist", mnist.FAT_SENSITIVITY, evaluate_every=230),
    "cifar10-supervised": Table(
        "cifar10", cifar10.SUPERVISED, validation_rows=10_000, evaluate_every=500
    ),
    "cifar10-ssl": Table("cifar10", cifar10.SSL, evaluate_every=400),
    "svhn-ssl": Table("svhn_cropped", svhn.SSL),
    "power-iterations": Table("cifar10", cifar10.POWER_ITERATIONS),
    "lvat": Table("cifar10", latent.CIFAR10, seeds=(0, 1, 2, 3, 4)),
    "lvat-svhn": Table("svhn_cropped", latent.SVHN, seeds=(0, 1, 2, 3, 4)),
    "lvat-mnist": Table("mnist", latent.MNIST),  # ours, of a size for two cores
    # 200 of the 1,000 waves that train are few: five draws.
    "sine-waves": Table(
        "sine_waves",
        sine_waves.SUPERVISED,
        validation_rows=200,
        evaluate_every=500,
        seeds=(0, 1, 2, 3, 4),
        tune_seeds=(1000, 1001, 1002, 1003, 1004),
    ),
}
