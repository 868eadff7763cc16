"""The training step on TensorFlow."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_vat import autodiff


class TensorFlowTraining:
    """Mix-in of `VATModel`: one gradient of the total loss by `tf.GradientTape`."""

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            step = self.compute_step(x, y, sample_weight)
            scale = 1.0 / autodiff.num_replicas()
            total = step.supervised_loss
            for regularizer, penalty in zip(self.regularizers, step.penalties, strict=True):
                weight = tf.cast(scale * regularizer.weight.value, total.dtype)
                total += weight * tf.cast(penalty, total.dtype)
            scaled_total = self.optimizer.scale_loss(total) if self.optimizer else total
        finite = on_all_replicas(
            tf.reduce_all(tf.math.is_finite([tf.cast(p, "float32") for p in step.penalties]))
        )
        if self.trainable_weights:
            self._apply(tape.gradient(scaled_total, self.trainable_weights), finite)
        else:
            warnings.warn("The classifier has no trainable weights.", stacklevel=2)
        self.track(step, total * autodiff.num_replicas(), finite)
        return self.compute_metrics(step.x, y, step.y_pred, sample_weight=sample_weight)

    def _apply(self, gradients, finite):
        """Updates the weights, unless a penalty is not finite."""
        pairs = zip(gradients, self.trainable_weights, strict=True)
        pairs = [(gradient, weight) for gradient, weight in pairs if gradient is not None]

        def apply():
            self.optimizer.apply_gradients(pairs)
            return True

        if tf.distribute.has_strategy():
            # The replicas' sum can't be taken inside a condition: it is taken of zeros instead.
            pairs = [(tf.where(finite, g, tf.zeros_like(g)), weight) for g, weight in pairs]
            apply()
        elif self.regularizers:
            tf.cond(finite, apply, lambda: False)
        else:
            apply()

    def make_train_function(self, force=False):
        if self.train_function is not None and not force:
            return
        super().make_train_function(force=force)
        run = self.train_function

        def run_and_check(iterator):
            logs = run(iterator)
            self.check_finite({name: np.asarray(logs[name]) for name in self.penalty_names})
            return logs

        self.train_function = run_and_check

    def test_step(self, data):
        """Evaluation computes no penalties, so it reports none."""
        logs = super().test_step(data)
        trained_only = {tracker.name for tracker in self.step_trackers}
        return {name: value for name, value in logs.items() if name not in trained_only}


def on_all_replicas(condition):
    """Whether a scalar condition holds on every replica; the same answer on each."""
    if autodiff.num_replicas() == 1:
        return condition
    failures = tf.cast(tf.logical_not(condition), "float32")
    context = tf.distribute.get_replica_context()
    return tf.equal(context.all_reduce(tf.distribute.ReduceOp.SUM, failures), 0.0)
