"""One process of a cluster, or one alone: trains a small model and prints what came of it."""

import json
import os
import signal
import sys
import time

import keras
import numpy as np
import tensorflow as tf

multi_worker = "TF_CONFIG" in os.environ
strategy = (
    tf.distribute.MultiWorkerMirroredStrategy() if multi_worker else tf.distribute.get_strategy()
)

import keras_vat  # noqa: E402  (collectives are set up before anything else)

settings = json.loads(sys.argv[1])
index = strategy.cluster_resolver.task_id if multi_worker else 0
rng = np.random.default_rng(0)
x = rng.normal(size=(22, 4)).astype("float32")
y = (np.arange(22) % 3).astype("int32")
unlabeled = rng.normal(size=(48, 4)).astype("float32")


class KillOnce(keras.callbacks.Callback):
    """Ends one worker the hard way, the first time: in the middle of its third epoch or, with
    "kill": "before the backup", at the end of its second."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        epochs.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if "kill" not in settings and (self.epoch, batch) == (2, 0):
            self.kill()

    def on_epoch_end(self, epoch, logs=None):
        if "kill" in settings and epoch == 1:
            if index == 1:
                time.sleep(5)  # until the others have written their backups
            self.kill()

    def kill(self):
        mark = os.path.join(settings["backup"], "killed")
        if index == 1 and not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)


def rows_of_a_replica():
    """Labelled and unlabelled rows of this replica's part of a semi-supervised batch."""
    if not settings.get("semi_supervised"):
        return None
    inputs, _ = next(iter(strategy.experimental_distribute_dataset(batches)))
    return [len(strategy.experimental_local_results(part)[0]) for part in inputs]


epochs = []
with strategy.scope():
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, kernel_regularizer="l2")]
    )
    methods = [keras_vat.regularizers.get(name, **a) for name, a in settings["methods"].items()]
    model = keras_vat.VATModel(classifier, methods)
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )

# The last of the batches of 8 has 6 rows: no equal share for every number of workers.
data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
if settings.get("semi_supervised"):
    batches = keras_vat.data.semi_supervised((x, y), unlabeled, 6, 12, seed=0)
else:
    batches = data
callbacks = []
if "backup" in settings:
    folder = os.path.join(settings["backup"], f"worker-{index}")
    callbacks = [KillOnce(), keras.callbacks.BackupAndRestore(folder)]
try:
    history = model.fit(
        batches,
        epochs=settings.get("epochs", 2),
        validation_data=data,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    ).history
except tf.errors.UnavailableError as error:  # another worker has gone
    print(json.dumps({"error": str(error), "epochs": epochs}))
    os._exit(3)
print(
    json.dumps(
        {
            "history": history,
            "weights": [weight.tolist() for weight in model.get_weights()],
            "evaluation": model.evaluate(data, verbose=0, return_dict=True),
            "predictions": model.predict(x, verbose=0).tolist(),
            "expected predictions": classifier(x).numpy().tolist(),
            "rows": rows_of_a_replica(),
            "epochs": epochs,
        }
    )
)
