"""Sine waves of two classes, the synthetic set of the VMT paper."""

from functools import partial

from benchmarks.accuracy import methods as m
from benchmarks.accuracy.rows import Row
from keras_vat.classifiers import published_settings as settings

row = partial(Row, settings.SINE_WAVES, m.sine_wave_mlp)
SUPERVISED = {
    "baseline": row(m.none, m.nothing, {"VMT table 2": 1.24}),
    "dropout": row(m.none, m.dropouts(0.2, 0.35, 0.5), {"VMT table 2": 0.97}),
    "at linf": row(m.at_linf, m.epsilons(0.005, 0.01, 0.02), {"VMT table 2": 1.00}),
    "at l2": row(m.at_l2, m.epsilons(0.02, 0.05, 0.1), {"VMT table 2": 0.94}),
    "vat": row(m.vat, m.epsilons(0.02, 0.05, 0.1), {"VMT table 2": 0.76}),
    "vmt shift": row(m.vmt_shift, m.weights(0.01, 0.03, 0.1), {"VMT table 2": 0.89}),
    "vmt scale": row(m.vmt_scale, m.weights(0.01, 0.03, 0.1)),  # "inferior to the baseline"
}
