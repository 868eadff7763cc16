import sys

import pytest

from keras_vat.plotting.axes import axes_or_new


def test_missing_matplotlib_names_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install matplotlib"):
        axes_or_new()


def test_given_axes_are_used(ax):
    assert axes_or_new(ax) is ax
    assert axes_or_new().figure is not ax.figure
