"""The training step on TensorFlow."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_vat import autodiff, keras_internals
from keras_vat.as_in_keras import as_in_keras
from keras_vat.forward.perturbable import is_floating
from keras_vat.keras_model import KerasModel
from keras_vat.training import replicas
from keras_vat.training.more_callbacks import with_last
from keras_vat.training.same_start import SameStart


@keras_internals.overrides(
    keras.Model, "_maybe_symbolic_build", "_get_metrics_result_or_logs", "_trackable_children"
)
class TensorFlowTraining:
    """Mix-in of `VATModel`: one gradient of the total loss by `tf.GradientTape`.

    Under `tf.distribute`, losses and penalties are means over the rows of the global batch.
    """

    def __init__(self, *args, **kwargs):
        replicas.check_strategy(tf.distribute.get_strategy())
        super().__init__(*args, **kwargs)

    @as_in_keras(KerasModel.fit)
    def fit(self, **kwargs):
        if replicas.several_workers(keras_internals.strategy_of(self)):
            kwargs["callbacks"] = with_last(kwargs.get("callbacks"), SameStart())
        return super().fit(**kwargs)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            step = self._compute_step(x, y, sample_weight)
            rows = [tf.shape(tf.nest.flatten(step.x)[0])[0], *step.rows]
            loss, penalties = step.supervised_loss, step.penalties
            values = [tf.cast(value, "float32") for value in (loss, *penalties)]
            finite = tf.reduce_all(tf.math.is_finite(values)) & self._finite_before()
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
            gradients = tape.gradient(scaled_total, self.trainable_weights)
            usable = self._usable(gradients)
            finite &= usable
            total = tf.where(usable, total, tf.constant(np.nan, total.dtype))
        else:
            gradients = []
            warnings.warn("The classifier has no trainable weights.", stacklevel=2)
        self._apply(gradients, step.moved, finite)
        total = replicas.unshared(total, labelled_share)
        logs = self._update_metrics(step, y, sample_weight, total, finite)
        logs |= {**self._mistakes.extremes(step.x), **self._inputs(x), **self._flag(finite)}
        return replicas.as_reducible(logs)

    def _usable(self, gradients):
        """Whether all gradients are finite: those of a finite loss may be not.

        A sum finds what is not finite without a copy. Where losses are scaled, the optimizer looks
        itself, and lowers the scale.
        """
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            return True
        values = [getattr(gradient, "values", gradient) for gradient in gradients]
        sums = [tf.reduce_sum(tf.cast(v, "float32")) for v in values if v is not None]
        return replicas.everywhere(tf.reduce_all(tf.math.is_finite(sums)))

    def _apply(self, gradients, moved, finite):
        """Updates the weights and what the passes have moved, unless something is not finite."""
        pairs = zip(gradients, self.trainable_weights, strict=True)
        pairs = [(gradient, weight) for gradient, weight in pairs if gradient is not None]
        averages = [(variable, value) for variable, value in moved if is_floating(variable.dtype)]

        def apply():
            if pairs:
                self.optimizer.apply_gradients(pairs)
            for variable, value in averages:
                variable.assign(value)
            return True

        for variable, value in moved:
            if not is_floating(variable.dtype):
                variable.assign(value)  # seeds go on
        if tf.distribute.has_strategy():
            # The replicas' sum can't be taken inside a condition: it is taken of zeros instead.
            pairs = [(zero_unless(finite, gradient), weight) for gradient, weight in pairs]
            averages = [(v, tf.where(finite, value, v.value)) for v, value in averages]
            apply()
        else:
            tf.cond(finite, apply, lambda: False)

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        """What `tf.train.Checkpoint` holds: also regularizers and seeds, which Keras leaves out."""
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "checkpoint":
            for regularizer in self.regularizers:
                children[f"regularizer_{regularizer.name}"] = regularizer
            for name, layer in self._layers_with_seeds():
                for i, seed in enumerate(keras_internals.seed_states(layer)):
                    children[f"{name}_{i}"] = seed
        return children

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Makes the variables of metrics and optimizer before the step is traced.

        A first trace that makes variables is thrown away, and the step traced again. Keras does
        this under a strategy alone, of a batch that it reads; but averaging the replicas' parts
        fails for parts of unequal size and between workers, and reading moves the data's seeds
        on. What the data say they are is enough.
        """
        if iterator is not None:
            data_batch = keras_internals.batch_spec(iterator)
        strategy = keras_internals.strategy_of(self)
        if strategy is not None:
            replicas.check_variables(strategy, self.classifier)
        elif self.run_eagerly or not self.classifier.built or not _is_dense(data_batch):
            return
        with self.distribute_strategy.scope():
            keras_internals.make_variables(self, data_batch)

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
            self._check_last_step()
            logs = dict(run(iterator))
            self._mistakes.look_at_inputs(logs)
            self._take_inputs(logs)
            self._take_flag(logs)
            return logs

        self.train_function = run_and_check

    def test_step(self, data):
        return replicas.as_reducible(self._of_evaluation(super().test_step(data)))


def zero_unless(condition, gradient):
    """A gradient, or zeros; that of an embedding stays sparse."""
    if isinstance(gradient, tf.IndexedSlices):
        values = zero_unless(condition, gradient.values)
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return tf.where(condition, gradient, tf.zeros_like(gradient))


def _is_dense(batch):
    """Whether a shape and a dtype describe every part of a batch: none is ragged or sparse."""
    return all(
        part.dtype.kind in "biuf"
        if isinstance(part, np.ndarray)
        else isinstance(part, (tf.Tensor, tf.TensorSpec))
        for part in tf.nest.flatten(batch)
        if part is not None
    )
