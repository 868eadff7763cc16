"""Seeds that differ from replica to replica."""

import keras
from keras import ops

from keras_vat.autodiff import replica_id


@keras.saving.register_keras_serializable(package="keras_vat")
class ReplicaSeedGenerator(keras.random.SeedGenerator):
    """A `keras.random.SeedGenerator` of which every replica draws its own numbers.

    Under `tf.distribute` a plain generator gives all replicas the same noise. Here the replica's
    number is added to the first half of the seed; on a single device nothing changes.
    """

    def next(self, ordered=True):
        seed = super().next(ordered)
        offset = ops.stack([ops.cast(replica_id(), seed.dtype), ops.zeros((), seed.dtype)])
        return seed + offset
