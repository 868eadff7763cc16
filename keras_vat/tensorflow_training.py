"""The training step on TensorFlow."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_vat import autodiff, replicas


class TensorFlowTraining:
    """Mix-in of `VATModel`: one gradient of the total loss by `tf.GradientTape`.

    Under `tf.distribute`, losses and penalties are means over the rows of the global batch.
    """

    def __init__(self, *args, **kwargs):
        replicas.check_strategy(tf.distribute.get_strategy())
        super().__init__(*args, **kwargs)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            step = self.compute_step(x, y, sample_weight)
            rows = [tf.shape(tf.nest.flatten(step.x)[0])[0], *step.rows]
            loss, *penalties = replicas.zero_where_empty(
                [step.supervised_loss, *step.penalties], rows
            )
            step = step._replace(supervised_loss=loss, penalties=penalties)
            finite = tf.reduce_all(tf.math.is_finite([tf.cast(p, "float32") for p in penalties]))
            finite, (labelled_share, *shares) = replicas.agree(finite, rows)
            total = tf.cast(labelled_share, loss.dtype) * loss
            for regularizer, penalty, share in zip(
                self.regularizers, penalties, shares, strict=True
            ):
                scale = share / autodiff.num_replicas()
                weight = tf.cast(scale * regularizer.weight.value, total.dtype)
                total += weight * tf.cast(penalty, total.dtype)
            scaled_total = self.optimizer.scale_loss(total) if self.optimizer else total
        if self.trainable_weights:
            self._apply(tape.gradient(scaled_total, self.trainable_weights), finite)
        else:
            warnings.warn("The classifier has no trainable weights.", stacklevel=2)
        self.track(step, replicas.unshared(total, labelled_share), finite)
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

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """As `keras.Model.compute_metrics`."""
        logs = super().compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        return replicas.as_reducible(logs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """As Keras does it, but from what the data say they are, without reading a batch.

        Keras reads one and averages the replicas' parts, which fails for parts of unequal size
        and between workers, and moves the data's seeds on.
        """
        if iterator is not None and self._distribute_strategy is not None:
            data_batch, iterator = replicas.batch_spec(iterator), None
        super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)

    def _get_metrics_result_or_logs(self, logs):
        """What all replicas have counted, also where only some metrics are reported."""
        results = self.get_metrics_result()
        return {name: results.get(name, value) for name, value in logs.items()}

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
        return self.of_evaluation(super().test_step(data))
