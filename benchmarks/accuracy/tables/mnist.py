"""MNIST: all labels, 100 and 1,000, and few labels with bad samples."""

from dataclasses import replace
from functools import partial

from benchmarks.accuracy import methods as m
from benchmarks.accuracy.rows import Row
from keras_vat.classifiers import published_settings as settings

row = partial(Row, settings.MNIST_SUPERVISED, m.mlp)
SUPERVISED = {
    "baseline": row(m.none, m.nothing, {"VAT table 1": 1.11, "VMT table 2": 1.12}),
    "dropout": row(m.none, m.dropouts(0.2, 0.35, 0.5), {"VAT table 1": 1.05, "VMT table 2": 0.95}),
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

row = partial(Row, settings.MNIST_100_LABELS, m.mlp)
more = partial(Row, settings.MNIST_1000_LABELS, m.mlp)
falling = {"callbacks": m.epsilon_warmup}
falling_grid = m.falling_epsilons((3.5, 3.5), (5.0, 2.5), (5.0, 5.0), (5.0, 3.5), (7.0, 7.0))
SSL = {
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
FEW_LABELS = {
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
