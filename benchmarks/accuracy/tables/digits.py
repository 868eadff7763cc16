"""Digits with 50 labels: ours, small enough for many seeds."""

from functools import partial

from benchmarks.accuracy import methods as m
from benchmarks.accuracy.rows import Row
from keras_vat.classifiers.training_settings import TrainingSettings

# The quickstart's net, batches and learning rate.
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
SSL = {
    "supervised": row(m.none, m.nothing),
    "rpt": row(m.rpt, m.epsilons(1.0, 2.0, 4.0)),
    "vat xi=1e-6": row(m.papers_vat, digits_grid),
    "vat logit_difference": row(m.true_vat, digits_grid),
    "vat": row(m.vat, digits_grid),
    "fat xi=1e-6": row(m.papers_fat, fat_digits_grid),
    "fat xi=epsilon": row(m.fat_beyond, fat_digits_grid),
    "fat": row(m.fat, fat_digits_grid),
}
