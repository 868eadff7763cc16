"""Adam on TensorFlow whose update alone is compiled by XLA."""

import keras


class CompiledAdam(keras.optimizers.Adam):
    """One walk through weights and slots, where TensorFlow makes one for each operation.

    Its shapes are those of the weights, so that batches of another size compile nothing anew.
    """

    def apply_gradients(self, pairs):
        import tensorflow as tf

        gradients, weights = zip(*pairs, strict=True)

        def update(*gradients):
            super(CompiledAdam, self).apply_gradients(zip(gradients, weights, strict=True))

        tf.function(update, jit_compile=True, autograph=False)(*gradients)
