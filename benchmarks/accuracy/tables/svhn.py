"""SVHN: 1,000 and 500 labels."""

from functools import partial

from benchmarks.accuracy import methods as m
from benchmarks.accuracy.rows import Row
from keras_vat.classifiers import published_settings as settings

row = partial(Row, settings.SVHN, m.small_svhn)
large = partial(Row, settings.SVHN, m.large_svhn)
augmented = partial(Row, settings.SVHN_AUGMENTED, m.large_svhn)
fewer = partial(Row, settings.SVHN_500_LABELS, m.small_svhn)
fat = {"callbacks": m.fat_warmup(updates_per_pass=72_257 // 128), "reestimate": False}
fat_svhn_grid = m.fat_grid((1.25, 1.75, 0.01), (2.0, 2.5, 0.01), (2.5, 3.5, 0.01))
SSL = {
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
