"""One process of a cluster, or one alone: trains on its own shards and goes on after a restart."""

import json
import os
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

multi_worker = "TF_CONFIG" in os.environ
strategy = (
    tf.distribute.MultiWorkerMirroredStrategy() if multi_worker else tf.distribute.get_strategy()
)

import keras_vat  # noqa: E402  (collectives are set up before anything else)

STEPS, EPOCHS = 4, 4
settings = json.loads(sys.argv[1])
worker = strategy.cluster_resolver.task_id if multi_worker else 0
paths = settings["paths"][worker :: strategy.num_replicas_in_sync]
labeled = np.eye(3, 4, dtype="float32"), np.arange(3)


def decode(batch):
    if batch.dtype == tf.string:
        batch = tf.reshape(tf.io.decode_raw(batch, "float32"), (*batch.shape, 4))
    return batch


def own_rows():
    files = tf.data.Dataset.from_tensor_slices(paths).shuffle(len(paths), seed=worker).repeat()
    rows = files.interleave(tf.data.TFRecordDataset, num_parallel_calls=tf.data.AUTOTUNE)
    return rows.map(decode)


iterator = iter(keras_vat.data.semi_supervised(labeled, own_rows(), 3, 5, seed=0, repeat=True))
epoch = tf.data.Dataset.range(STEPS).map(lambda _: next(iterator))
seen = sorted({int(row[0]) for batch in own_rows().take(100).batch(10) for row in batch.numpy()})


class KillOnce(keras.callbacks.Callback):
    """Ends one worker the hard way in the middle of its third epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if settings.get("kill") and worker == 1 and (self.epoch, batch) == (2, 1):
            os.kill(os.getpid(), signal.SIGKILL)


with strategy.scope():
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model = keras_vat.VATModel(classifier, keras_vat.regularizers.get("entropy", weight=0.5))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)

checkpoint = tf.train.Checkpoint(model=model, iterator=iterator)
manager = tf.train.CheckpointManager(checkpoint, f"{settings['folder']}/{worker}", max_to_keep=2)
manager.restore_or_initialize()
first = int(checkpoint.save_counter)  # one after each epoch
data = epoch
if multi_worker:
    data = strategy.distribute_datasets_from_function(lambda context: epoch)
try:
    history = model.fit(
        data,
        initial_epoch=first,
        epochs=EPOCHS,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: manager.save()),
            KillOnce(),
        ],
        shuffle=False,
        verbose=0,
    ).history
except tf.errors.UnavailableError as error:  # another worker has gone
    print(json.dumps({"error": str(error)}))
    os._exit(3)
print(
    json.dumps(
        {
            "first epoch": first,
            "history": history,
            "weights": [weight.tolist() for weight in model.get_weights()],
            "seen": seen,
        }
    )
)
