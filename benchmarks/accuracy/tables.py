"""The papers' tables as data: how each row was trained, and the test error in % it reached.

VAT: Miyato et al., arXiv:1704.03976. VMT: "Virtual movement training" (2018). FAT: Kim et al.
(2019), whose accuracies stand here as errors. LVAT: Osada et al. (2021). A line of a table is

    name on the command line: row(regularizers, grid of hyper-parameters, the papers' figures)

Where a paper names no hyper-parameters, the grid is ours, within the range that it searched. A new
table is a new entry of `TABLES`.
"""

from dataclasses import replace
from functools import partial

from benchmarks.accuracy import generators
from benchmarks.accuracy import methods as m
from benchmarks.accuracy.rows import Row, Table, momentum
from keras_vat.classifiers import published_settings as settings
from keras_vat.classifiers.training_settings import TrainingSettings

dropout_grid = m.dropouts(0.2, 0.35, 0.5)

row = partial(Row, settings.MNIST_SUPERVISED, m.mlp)
MNIST_SUPERVISED = {
    "baseline": row(m.none, m.nothing, {"VAT table 1": 1.11, "VMT table 2": 1.12}),
    "dropout": row(m.none, dropout_grid, {"VAT table 1": 1.05, "VMT table 2": 0.95}),
    "rpt": row(m.rpt, m.epsilons(5.0, 10.0, 20.0), {"VAT table 1": 0.84}),
    "at linf": row(
        m.at_linf, m.epsilons(0.05, 0.075, 0.1), {"VAT table 1": 0.79, "VMT table 2": 0.72}
    ),
    "at l2": row(m.at_l2, m.epsilons(1.0, 2.0, 3.0), {"VAT table 1": 0.71, "VMT table 2": 0.7}),
    "vat xi=1e-6": row(
        m.papers_vat, m.epsilons(1.0, 2.0, 3.0), {"VAT table 1": 0.64, "VMT table 2": 0.64}
    ),
    "vat": row(m.vat, m.epsilons(1.0, 2.0, 3.0), {"VAT table 1": 0.64, "VMT table 2": 0.64}),
    "vmt shift": row(m.vmt_shift, m.weights(0.02, 0.1, 0.5), {"VMT table 2": 0.92}),
    "vmt rotation": row(m.vmt_rotation, m.weights(0.02, 0.1, 0.5), {"VMT table 2": 0.95}),
    "vmt scale": row(m.vmt_scale, m.weights(0.02, 0.1, 0.5), {"VMT table 2": 0.92}),
    "vmt all": row(m.vmt_all, m.weights(0.02, 0.1, 0.5)),
}

# Ours: small enough for many seeds. The quickstart's net, batches and learning rate.
DIGITS_50_LABELS = TrainingSettings(
    labeled_batch_size=32,
    unlabeled_batch_size=128,
    num_updates=600,
    learning_rate=0.003,
    decay_start=300,
    epsilon=0.6,
    num_labels=50,
)
row = partial(Row, DIGITS_50_LABELS, m.digits_mlp)
digits_grid = m.epsilons(0.2, 0.35, 0.6, 1.0)
fat_digits_grid = m.fat_grid(
    (0.2, 0.3, 0.01), (0.35, 0.5, 0.01), (0.6, 0.8, 0.01), (1.0, 1.3, 0.01), (1.4, 1.8, 0.01)
)
DIGITS_SSL = {
    "supervised": row(m.none, m.nothing),
    "rpt": row(m.rpt, m.epsilons(1.0, 2.0, 4.0)),
    "vat xi=1e-6": row(m.papers_vat, digits_grid),
    "vat logit_difference": row(m.true_vat, digits_grid),
    "vat": row(m.vat, digits_grid),
    "fat xi=1e-6": row(m.papers_fat, fat_digits_grid),
    "fat xi=epsilon": row(m.fat_beyond, fat_digits_grid),
    "fat": row(m.fat, fat_digits_grid),
}

row = partial(Row, settings.MNIST_100_LABELS, m.mlp)
more = partial(Row, settings.MNIST_1000_LABELS, m.mlp)
falling = {"callbacks": m.epsilon_warmup}
falling_grid = m.falling_epsilons((3.5, 3.5), (5.0, 2.5), (5.0, 5.0), (5.0, 3.5), (7.0, 7.0))
MNIST_SSL = {
    "supervised": row(m.none, m.nothing),
    "rpt": row(m.rpt, m.epsilons(5.0, 10.0, 20.0), {"VAT table 3": 6.81}),
    "vat xi=1e-6": row(m.papers_vat, falling_grid, {"VAT table 3": 1.36}, **falling),
    "vat logit_difference": row(m.true_vat, falling_grid, {"VAT table 3": 1.36}, **falling),
    "vat": row(m.vat, falling_grid, {"VAT table 3": 1.36}, **falling),
    "supervised, 1000 labels": more(m.none, m.nothing),
    "rpt, 1000 labels": more(m.rpt, m.epsilons(5.0, 10.0, 20.0), {"VAT table 3": 1.58}),
    "vat xi=1e-6, 1000 labels": more(m.papers_vat, m.around(5.0), {"VAT table 3": 1.27}),
    "vat, 1000 labels": more(m.vat, m.around(5.0), {"VAT table 3": 1.27}),
}

# Along directions among the K classes (FAT), and in batches of 64 of 20 labels, the statistics of
# unlabelled batches drift away from those of the labelled pass, which feeds training's averages:
# these rows, and for comparison all of 20 labels and of FAT, keep those.
few = partial(Row, settings.MNIST_20_LABELS, m.mlp, reestimate=False)
uneven = partial(
    Row, replace(settings.MNIST_20_LABELS, labeled_batch_size=64), m.mlp, reestimate=False
)
fat = {"callbacks": m.fat_warmup_by_epoch, "reestimate": False}
fat_mnist_grid = m.fat_grid(
    (1.0, 1.5, 0.01),
    (1.0, 2.0, 0.01),
    (1.5, 2.0, 0.1),
    (1.5, 4.0, 0.01),
    tuple(settings.FAT_MNIST.values()),  # (1.5, 2.0, 0.01)
    (2.0, 3.0, 0.01),
    (3.0, 4.0, 0.01),
    (3.0, 4.0, 0.1),
    (5.0, 6.0, 0.1),
)
MNIST_FEW_LABELS = {
    "vat, 20 labels": few(m.vat, m.around(5.0), {"FAT table 1": 32.96}),
    "fat, 20 labels": few(m.fat, fat_mnist_grid, {"FAT table 1": 3.68}, **fat),
    "vat, 20 labels, batches of 64": uneven(m.vat, m.around(5.0), {"FAT table 1": 32.96}),
    "fat, 20 labels, batches of 64": uneven(m.fat, fat_mnist_grid, {"FAT table 1": 3.68}, **fat),
    "fat xi=epsilon, 20 labels, batches of 64": uneven(
        m.fat_beyond, fat_mnist_grid, {"FAT table 1": 3.68}, **fat
    ),
    "vat, 100 labels": row(m.vat, m.around(5.0), {"FAT table 1": 1.36}),
    "fat, 100 labels": row(m.fat, fat_mnist_grid, {"FAT table 1": 1.11}, **fat),
    "vat xi=1e-6, 100 labels": row(m.papers_vat, m.around(5.0), {"FAT table 1": 1.36}),
    "fat xi=1e-6, 100 labels": row(m.papers_fat, fat_mnist_grid, {"FAT table 1": 1.11}, **fat),
    "fat xi=epsilon, 100 labels": row(m.fat_beyond, fat_mnist_grid, {"FAT table 1": 1.11}, **fat),
}

FAT_SENSITIVITY = {
    f"fat epsilon={epsilon} radius={radius} threshold={threshold}": row(
        m.fat, m.fat_grid((epsilon, radius, threshold)), {"FAT table 2": error}, **fat
    )
    for epsilon, radius, threshold, error in (
        (1.0, 2.0, 0.01, 2.06),
        (1.5, 2.0, 0.01, 1.11),
        (2.0, 2.0, 0.01, 1.39),
        (4.0, 2.0, 0.01, 4.35),
        (1.5, 1.0, 0.01, 10.46),
        (1.5, 4.0, 0.01, 1.21),
        (1.5, 6.0, 0.01, 1.45),
        (1.5, 2.0, 0.001, 1.35),
        (1.5, 2.0, 0.1, 1.23),
        (1.5, 2.0, 0.2, 1.29),
    )
}

row = partial(Row, settings.CIFAR10_SUPERVISED, m.large_cifar10)
small = partial(Row, settings.CIFAR10_MOVEMENT, m.small_movement, optimizer=momentum)
CIFAR10_SUPERVISED = {
    "conv-large baseline": row(m.none, m.nothing, {"VAT table 2": 6.67}),
    "conv-large rpt": row(m.rpt, m.epsilons(10.0, 20.0, 40.0), {"VAT table 2": 6.30}),
    "conv-large vat": row(m.vat, m.around(8.0), {"VAT table 2": 5.81}),
    "conv-small baseline": small(m.none, m.nothing, {"VMT table 3": 10.79}),
    "conv-small at l2": small(m.at_l2, m.epsilons(0.2, 0.5, 1.0), {"VMT table 3": 10.42}),
    "conv-small vat": small(m.vat, m.epsilons(0.5, 1.0, 2.0), {"VMT table 3": 9.62}),
    "conv-small vmt shift": small(m.vmt_shift, m.weights(0.02, 0.1, 0.5), {"VMT table 3": 9.68}),
    "conv-small vmt rotation": small(
        m.vmt_rotation, m.weights(0.02, 0.1, 0.5), {"VMT table 3": 9.75}
    ),
    "conv-small vmt scale": small(m.vmt_scale, m.weights(0.02, 0.1, 0.5), {"VMT table 3": 9.74}),
    "conv-small vmt all": small(m.vmt_all, m.weights(0.02, 0.1, 0.5), {"VMT table 3": 9.31}),
}

row = partial(Row, settings.CIFAR10, m.small_cifar10)
large = partial(Row, settings.CIFAR10, m.large_cifar10)
augmented = partial(Row, settings.CIFAR10_AUGMENTED, m.large_cifar10)
fewer = partial(Row, settings.CIFAR10_1000_LABELS, m.small_cifar10)
plain = partial(Row, replace(settings.CIFAR10, zca=False), m.small_cifar10)  # for the generator
fat = {"callbacks": m.fat_warmup(updates_per_pass=49_000 // 128), "reestimate": False}
fat_cifar10_grid = m.fat_grid((5.0, 7.0, 0.01), (8.0, 10.0, 0.01), (10.0, 14.0, 0.01))
CIFAR10_SSL = {
    "conv-small supervised": row(m.none, m.nothing),
    "conv-small rpt": row(m.rpt, m.epsilons(10.0, 20.0, 40.0), {"VAT table 4": 18.56}),
    "conv-small vat": row(m.vat, m.around(10.0), {"VAT table 4": 14.87}),
    "conv-small vat+entropy": row(m.vat_entropy, m.around(10.0)),
    "conv-small fat": row(m.fat, fat_cifar10_grid, {"FAT table 1": 14.69}, **fat),
    "conv-small supervised, not whitened": plain(m.none, m.nothing),
    "conv-small lvat-vae, not whitened": plain(
        m.lvat(generators.SMALL_CIFAR10_VAE),
        m.around(1.0),  # ours
    ),
    "conv-small fat, 1000 labels": fewer(m.fat, fat_cifar10_grid, {"FAT table 1": 21.56}, **fat),
    "conv-large vat": large(m.vat, m.around(10.0), {"VAT table 4": 14.18}),
    "conv-large vat+entropy": large(m.vat_entropy, m.around(10.0), {"VAT table 4": 13.15}),
    "conv-large vat, augmented": augmented(m.vat, m.around(8.0), {"VAT table 5": 11.36}),
    "conv-large vat+entropy, augmented": augmented(
        m.vat_entropy, m.around(8.0), {"VAT table 5": 10.55}
    ),
}

POWER_ITERATIONS = {
    f"vat K={count}": large(m.vat_iterations(count), m.around(10.0), papers)
    for count, papers in {
        1: {"VAT table 6": 14.18},
        2: {"VAT table 6": 14.19},
        3: {},
        4: {"VAT table 6": 14.25},
    }.items()
}

row = partial(Row, settings.SVHN, m.small_svhn)
large = partial(Row, settings.SVHN, m.large_svhn)
augmented = partial(Row, settings.SVHN_AUGMENTED, m.large_svhn)
fewer = partial(Row, settings.SVHN_500_LABELS, m.small_svhn)
fat = {"callbacks": m.fat_warmup(updates_per_pass=72_257 // 128), "reestimate": False}
fat_svhn_grid = m.fat_grid((1.25, 1.75, 0.01), (2.0, 2.5, 0.01), (2.5, 3.5, 0.01))
SVHN_SSL = {
    "conv-small supervised": row(m.none, m.nothing),
    "conv-small rpt": row(m.rpt, m.epsilons(5.0, 10.0, 20.0), {"VAT table 4": 8.41}),
    "conv-small vat": row(m.vat, m.around(2.5), {"VAT table 4": 6.83}),
    "conv-small vat+entropy": row(m.vat_entropy, m.around(2.5)),
    "conv-small fat": row(m.fat, fat_svhn_grid, {"FAT table 1": 4.06}, **fat),
    "conv-small fat, 500 labels": fewer(m.fat, fat_svhn_grid, {"FAT table 1": 4.79}, **fat),
    "conv-large vat": large(m.vat, m.around(2.5), {"VAT table 4": 5.77}),
    "conv-large vat+entropy": large(m.vat_entropy, m.around(2.5), {"VAT table 4": 4.28}),
    "conv-large vat, augmented": augmented(m.vat, m.around(3.5), {"VAT table 5": 5.42}),
    "conv-large vat+entropy, augmented": augmented(
        m.vat_entropy, m.around(3.5), {"VAT table 5": 3.86}
    ),
}

row = partial(Row, settings.SINE_WAVES, m.sine_wave_mlp)
SINE_WAVES = {
    "baseline": row(m.none, m.nothing, {"VMT table 2": 1.24}),
    "dropout": row(m.none, dropout_grid, {"VMT table 2": 0.97}),
    "at linf": row(m.at_linf, m.epsilons(0.005, 0.01, 0.02), {"VMT table 2": 1.00}),
    "at l2": row(m.at_l2, m.epsilons(0.02, 0.05, 0.1), {"VMT table 2": 0.94}),
    "vat": row(m.vat, m.epsilons(0.02, 0.05, 0.1), {"VMT table 2": 0.76}),
    "vmt shift": row(m.vmt_shift, m.weights(0.01, 0.03, 0.1), {"VMT table 2": 0.89}),
    "vmt scale": row(m.vmt_scale, m.weights(0.01, 0.03, 0.1)),  # "inferior to the baseline"
}

# Generators want images in [0, 1]; no row of this table is whitened.
GENERATORS = {
    "cifar10": (generators.vae("cifar10", 50_000), generators.glow("cifar10")),
    "cifar10, augmented": (
        generators.vae("cifar10", 50_000, "cifar10"),
        generators.glow("cifar10", "cifar10"),
    ),
    "svhn": (generators.vae("svhn_cropped", 73_257), generators.glow("svhn_cropped")),
    "svhn, augmented": (
        generators.vae("svhn_cropped", 73_257, "svhn"),
        generators.glow("svhn_cropped", "svhn"),
    ),
}


def lvat_column(settings, classifier, vae_epsilon, generators, suffix, errors, all_labels=False):
    """Vat, lvat-vae and lvat-glow in one column of LVAT's table 3."""
    labels = None if all_labels else settings.num_labels
    row = partial(Row, replace(settings, zca=False, num_labels=labels), classifier)
    vae, glow = map(m.lvat, generators)
    vat_error, vae_error, glow_error = ({"LVAT table 3": error} for error in errors)
    return {
        f"vat{suffix}": row(m.vat, m.around(settings.epsilon), vat_error),
        f"lvat-vae{suffix}": row(vae, m.around(vae_epsilon), vae_error),
        f"lvat-glow{suffix}": row(glow, m.around(1.0), glow_error),
    }


plain = partial(lvat_column, settings.CIFAR10, m.large_cifar10, 1.0, GENERATORS["cifar10"])
augmented = partial(
    lvat_column,
    settings.CIFAR10_AUGMENTED,
    m.large_cifar10,
    1.0,
    GENERATORS["cifar10, augmented"],
)
LVAT = {
    **plain("", (16.92, 13.90, 9.94)),
    **augmented(", augmented", (11.36, 14.64, 7.34)),
    **plain(", all labels", (8.175, 8.05, 5.24), all_labels=True),
    **augmented(", all labels, augmented", (5.81, 6.54, 3.94), all_labels=True),
}

plain = partial(lvat_column, settings.SVHN, m.large_svhn, 1.5, GENERATORS["svhn"])
augmented = partial(
    lvat_column, settings.SVHN_AUGMENTED, m.large_svhn, 1.5, GENERATORS["svhn, augmented"]
)
LVAT_SVHN = {
    **plain("", (5.77, 4.44, 4.20)),
    **augmented(", augmented", (5.42, 4.20, 3.83)),
    **plain(", all labels", (2.34, 2.26, 2.23), all_labels=True),
    **augmented(", all labels, augmented", (2.22, 2.02, 2.13), all_labels=True),
}

row = partial(Row, settings.MNIST_100_LABELS, m.mlp)
LVAT_MNIST = {
    "supervised": row(m.none, m.nothing),
    "vat": row(m.vat, m.around(5.0)),
    "lvat-vae": row(m.lvat(generators.SMALL_VAE), m.around(1.5)),
    "lvat-glow": row(m.lvat(generators.SMALL_GLOW), m.around(5.0)),
}

TABLES = {
    "mnist-supervised": Table(
        "mnist", MNIST_SUPERVISED, validation_rows=10_000, evaluate_every=600
    ),
    # 297 of the 1,297 digits that train are few: many draws.
    "digits-ssl": Table(
        "digits",
        DIGITS_SSL,
        validation_rows=297,
        evaluate_every=100,
        seeds=tuple(range(20)),
        tune_seeds=tuple(range(1000, 1010)),
    ),
    "mnist-ssl": Table("mnist", MNIST_SSL),
    # An epoch is one pass over the 59,000 unlabelled images in batches of 256.
    "mnist-few-labels": Table(
        "mnist", MNIST_FEW_LABELS, evaluate_every=230, seeds=(0, 1, 2, 3, 4), target_error=2.0
    ),
    "fat-sensitivity": Table("mnist", FAT_SENSITIVITY, evaluate_every=230),
    "cifar10-supervised": Table(
        "cifar10", CIFAR10_SUPERVISED, validation_rows=10_000, evaluate_every=500
    ),
    "cifar10-ssl": Table("cifar10", CIFAR10_SSL, evaluate_every=400),
    "svhn-ssl": Table("svhn_cropped", SVHN_SSL),
    "power-iterations": Table("cifar10", POWER_ITERATIONS),
    "lvat": Table("cifar10", LVAT, seeds=(0, 1, 2, 3, 4)),
    "lvat-svhn": Table("svhn_cropped", LVAT_SVHN, seeds=(0, 1, 2, 3, 4)),
    "lvat-mnist": Table("mnist", LVAT_MNIST),  # ours, of a size for two cores
    # 200 of the 1,000 waves that train are few: five draws.
    "sine-waves": Table(
        "sine_waves",
        SINE_WAVES,
        validation_rows=200,
        evaluate_every=500,
        seeds=(0, 1, 2, 3, 4),
        tune_seeds=(1000, 1001, 1002, 1003, 1004),
    ),
}
