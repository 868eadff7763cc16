"""`updates` counts training steps, whatever the rows."""

import keras
import numpy as np
import pytest


class Watch(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.steps, self.epochs = 0, 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


@pytest.mark.parametrize(("updates", "epochs"), [(1, 1), (12, 6), (20, 10), (23, 1)])
def test_updates_are_steps_in_up_to_ten_epochs(updates, epochs, table, make):
    classifier = make(updates=updates).fit(table.x, table.y)
    assert int(classifier.model_.optimizer.iterations) == updates
    assert len(classifier.history_["loss"]) == epochs


def test_callbacks_see_every_step_of_the_model_that_is_kept(table, make):
    watch = Watch()
    classifier = make(updates=20, callbacks=[watch]).fit(table.x, table.y)
    assert (watch.steps, watch.epochs) == (20, 10)
    assert watch.model is classifier.model_
    before = classifier.model_.get_weights()
    make(updates=20, random_state=1).fit(table.x, table.y)
    assert all(map(np.array_equal, before, classifier.model_.get_weights()))


def test_the_result_is_that_without_callbacks(table, make):
    expected = make().fit(table.x, table.y).predict_proba(table.x)
    watched = make(callbacks=[Watch()]).fit(table.x, table.y).predict_proba(table.x)
    np.testing.assert_allclose(watched, expected, atol=1e-5)


@pytest.mark.parametrize("rows", [4, 12, 90])
def test_any_number_of_rows(rows, table, make):
    y = np.where(np.arange(rows) < 12, table.true[:rows], -1)
    classifier = make().fit(table.x[:rows], y)
    assert classifier.score(table.x, table.true) > 0.6
    assert classifier.history_["vat"][-1] > 0
