import sys
import types

import numpy as np
import pytest

from keras_vat.callbacks import SmoothnessMonitor


@pytest.fixture
def calls(monkeypatch):
    """Puts a recorder in place of the evaluation; it returns one number per row."""
    calls = []

    def local_distributional_smoothness(classifier, x, epsilon, **arguments):
        calls.append({"classifier": classifier, "x": x, "epsilon": epsilon, **arguments})
        return np.arange(len(x), dtype="float32") + 10.0 * len(calls)

    module = types.SimpleNamespace(local_distributional_smoothness=local_distributional_smoothness)
    monkeypatch.setitem(sys.modules, "keras_vat.evaluation", module)
    return calls


def test_logs_the_mean_after_each_epoch(calls, make_model, numbers, x):
    model = make_model([numbers("vat", weight=1.0)])
    monitor = SmoothnessMonitor(x[:3], epsilon=0.5, num_power_iterations=2, batch_size=4, seed=7)
    history = model.fit(x, x[:, 0], epochs=2, verbose=0, callbacks=[monitor]).history
    assert history["lds"] == [11.0, 21.0]
    assert len(calls) == 2
    for call in calls:
        assert call.pop("classifier") is model
        assert call.pop("x") is monitor.x
        assert call == {"epsilon": 0.5, "num_power_iterations": 2, "batch_size": 4, "seed": 7}


def test_two_monitors_under_two_names(calls, make_model, numbers, x):
    model = make_model([numbers("vat", weight=1.0)])
    monitors = [SmoothnessMonitor(x, 0.5), SmoothnessMonitor(x, 2.0, name="far_lds")]
    history = model.fit(x, x[:, 0], verbose=0, callbacks=monitors).history
    assert {"lds", "far_lds"} <= set(history)
    assert [call["epsilon"] for call in calls] == [0.5, 2.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": 0.0}, "`epsilon` must be .* above 0. Received: epsilon=0.0"),
        ({"num_power_iterations": -1}, "`num_power_iterations` must be at least 0"),
        ({"batch_size": 0}, "`batch_size` must be at least 1. Received: batch_size=0"),
    ],
)
def test_refuses_wrong_arguments(x, arguments, message):
    with pytest.raises(ValueError, match=message):
        SmoothnessMonitor(**{"x": x, "epsilon": 1.0, **arguments})
