"""What the logs of a training hold: losses, penalties and metrics of its steps."""

import keras
from keras import ops

from keras_vat.autodiff import num_replicas
from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.forward.weighted_batches import count_rows
from keras_vat.keras_internals import loss_parts, loss_tracker


class StepMetrics:
    """Mix-in of `VATModel`: one tracker for each term of the total, and the compiled metrics."""

    def _make_trackers(self, penalty_names, skips):
        self._supervised_tracker = keras.metrics.Mean(name="supervised_loss")
        self._penalty_trackers = [keras.metrics.Mean(name=name) for name in penalty_names]
        self._skipped_tracker = keras.metrics.Sum(name="skipped_steps") if skips else None

    @property
    def parameters_to_log(self) -> dict[str, float]:
        """The numbers of all regularizers as they are now, for experiment trackers.

        A dictionary such as `{"vat_epsilon": 0.6, "vat_num_power_iterations": 1, "vat_weight":
        1.0}`: `mlflow.log_params(model.parameters_to_log)`,
        `wandb.config.update(model.parameters_to_log)`.
        """
        found = {}
        for regularizer in self.regularizers:
            for name, made_with in regularizer.get_config().items():
                if isinstance(made_with, (int, float)) and not isinstance(made_with, bool):
                    now = getattr(regularizer, name, made_with)
                    moves = isinstance(now, keras.Variable)
                    found[f"{regularizer.name}_{name}"] = float(now) if moves else made_with
        return found

    @property
    def _step_trackers(self):
        """Metrics that only training steps update."""
        trackers = [self._supervised_tracker, *self._penalty_trackers]
        for regularizer in self.regularizers:
            trackers += regularizer.metrics
        return trackers + ([self._skipped_tracker] if self._skipped_tracker else [])

    @property
    def _restored(self):
        """What the compiled loss moves, to be given back by a step that is skipped."""
        return loss_parts(self) if self._skipped_tracker else []

    def _update_metrics(self, step, y, sample_weight, total, finite):
        """Updates losses, penalties and compiled metrics; returns the logs.

        A step that is skipped leaves no trace in any of them but in the count of such steps.
        """
        if self._skipped_tracker is None:
            self._track(step, total)
            return self.compute_metrics(step.x, y, step.y_pred, sample_weight=sample_weight)
        with InnerScope() as scope:
            self._track(step, total)
            self.compute_metrics(step.x, y, step.y_pred, sample_weight=sample_weight)
        for variable, before in step.tracked:
            variable.assign(ops.where(finite, variable.value, before))
        for variable in scope.updated:
            now = scope.get_current_value(variable)
            variable.assign(ops.where(finite, now, variable.value))
        self._skipped_tracker.update_state((1.0 - ops.cast(finite, "float32")) / num_replicas())
        return self.get_metrics_result()

    def _track(self, step, total):
        rows = count_rows(step.x)
        trackers = [loss_tracker(self), self._supervised_tracker, *self._penalty_trackers]
        values = [total, step.supervised_loss * num_replicas(), *step.penalties]
        counts = [rows, rows, *step.rows]
        for regularizer, seen in zip(self.regularizers, step.rows, strict=True):
            noted = [metric for metric in regularizer.metrics if metric.name in step.notes]
            trackers += noted
            values += [step.notes[metric.name] for metric in noted]
            counts += [seen] * len(noted)
        for tracker, value, count in zip(trackers, values, counts, strict=True):
            tracker.update_state(value, sample_weight=ops.cast(count, "float32"))

    def _of_evaluation(self, logs):
        """The logs of an evaluation: it computes no penalties, so it reports none."""
        trained_only = {tracker.name for tracker in self._step_trackers}
        return {name: value for name, value in logs.items() if name not in trained_only}
