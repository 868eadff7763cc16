"""Workers whose backups are of different epochs begin at one."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_vat import autodiff, keras_internals


class SameStart(keras.callbacks.Callback):
    """Lets all workers of a cluster go on from the state of the one that had come furthest.

    Every worker restores its own backup. One that was killed at the end of an epoch, before it
    wrote its own, begins an epoch before the others, and then their weights differ for good. The
    last callback of a `fit` under `tf.distribute.MultiWorkerMirroredStrategy`.
    """

    def on_train_begin(self, logs=None):
        model = self.model
        epoch = keras_internals.initial_epoch(model) or 0
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        optimizer = [] if model.optimizer is None else model.optimizer.variables
        steps = keras.ops.convert_to_numpy(model.optimizer.iterations) if optimizer else 0
        self._worker, self._workers = place(keras_internals.strategy_of(model))
        starts = self._gathered([steps, epoch])
        if (starts == starts[0]).all():
            return
        furthest = int(np.argmax(starts[:, 0]))
        steps, epoch = starts[furthest].tolist()
        warnings.warn(
            "The workers' backups are not of one epoch: a worker was stopped before it wrote its "
            f"own. All go on from that of worker {furthest}, of step {steps}, with epoch "
            f"{epoch + 1}. Received: (step, epochs done) of the workers: {starts.tolist()}",
            stacklevel=2,
        )
        variables = [*model.variables, *optimizer]
        values = [keras.ops.convert_to_numpy(variable) for variable in variables]
        for variable, value in zip(variables, self._sent_by(furthest, values), strict=True):
            variable.assign(value)
        keras_internals.set_initial_epoch(model, epoch)

    def _gathered(self, numbers):
        """Whole numbers of every worker: an array with a row for each."""
        rows = np.zeros((self._workers, len(numbers)), "int64")
        rows[self._worker] = numbers
        return self._summed([rows])[0]

    def _sent_by(self, sender, values):
        """One worker's arrays, on all workers."""
        # Collectives know these two kinds on all devices; float64 holds all others exactly.
        wide = [v.astype("int64" if v.dtype.kind in "biu" else "float64") for v in values]
        if self._worker != sender:
            wide = [np.zeros_like(value) for value in wide]
        sent = self._summed(wide)
        return [new.astype(value.dtype) for new, value in zip(sent, values, strict=True)]

    def _summed(self, arrays):
        """The workers' arrays, added up."""
        strategy = keras_internals.strategy_of(self.model)
        replicas = strategy.num_replicas_in_sync // self._workers  # here; the first one sends

        def of_a_replica():
            context = tf.distribute.get_replica_context()
            sends = context.replica_id_in_sync_group % replicas == 0
            parts = [tf.constant(array) * tf.cast(sends, array.dtype) for array in arrays]
            return [context.all_reduce(tf.distribute.ReduceOp.SUM, part) for part in parts]

        results = strategy.run(tf.function(of_a_replica))
        return [strategy.experimental_local_results(result)[0].numpy() for result in results]


def place(strategy):
    """The number of this worker, and how many there are."""
    ids = strategy.experimental_local_results(strategy.run(replica_id))
    return int(ids[0]) // len(ids), strategy.num_replicas_in_sync // len(ids)


def replica_id():
    return tf.constant(autodiff.replica_id())
