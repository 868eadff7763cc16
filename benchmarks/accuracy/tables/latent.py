"""LVAT beside VAT: table 3 of its paper, and MNIST in a size of ours."""

from dataclasses import replace
from functools import partial

from benchmarks.accuracy import generators
from benchmarks.accuracy import methods as m
from benchmarks.accuracy.rows import Row
from keras_vat.classifiers import published_settings as settings

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
CIFAR10 = {
    **plain("", (16.92, 13.90, 9.94)),
    **augmented(", augmented", (11.36, 14.64, 7.34)),
    **plain(", all labels", (8.175, 8.05, 5.24), all_labels=True),
    **augmented(", all labels, augmented", (5.81, 6.54, 3.94), all_labels=True),
}

plain = partial(lvat_column, settings.SVHN, m.large_svhn, 1.5, GENERATORS["svhn"])
augmented = partial(
    lvat_column, settings.SVHN_AUGMENTED, m.large_svhn, 1.5, GENERATORS["svhn, augmented"]
)
SVHN = {
    **plain("", (5.77, 4.44, 4.20)),
    **augmented(", augmented", (5.42, 4.20, 3.83)),
    **plain(", all labels", (2.34, 2.26, 2.23), all_labels=True),
    **augmented(", all labels, augmented", (2.22, 2.02, 2.13), all_labels=True),
}

row = partial(Row, settings.MNIST_100_LABELS, m.mlp)
MNIST = {
    "supervised": row(m.none, m.nothing),
    "vat": row(m.vat, m.around(5.0)),
    "lvat-vae": row(m.lvat(generators.SMALL_VAE), m.around(1.5)),
    "lvat-vae, reconstruction": row(
        m.lvat(generators.SMALL_VAE, reference="reconstruction"), m.around(1.5)
    ),
    "lvat-glow": row(m.lvat(generators.SMALL_GLOW), m.around(5.0)),
}
