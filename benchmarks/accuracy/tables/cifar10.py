"""CIFAR-10: all labels, 4,000 and 1,000, and VAT by the number of its power iterations."""

from dataclasses import replace
from functools import partial

from benchmarks.accuracy import generators
from benchmarks.accuracy import methods as m
from benchmarks.accuracy.rows import Row, momentum
from keras_vat.classifiers import published_settings as settings

row = partial(Row, settings.CIFAR10_SUPERVISED, m.large_cifar10)
small = partial(Row, settings.CIFAR10_MOVEMENT, m.small_movement, optimizer=momentum)
SUPERVISED = {
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
SSL = {
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
