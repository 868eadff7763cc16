from keras_vat.callbacks.warmup import Warmup


class LambdaWarmup(Warmup):
    """Moves the weight of FAT's bad samples (lambda) while `fit` runs.

    Bad samples lie in regions of low density only once the classifier performs well; before that
    they hamper it. The default is the paper's: 0 at first, 0.1 more after each epoch, up to 1. The
    value is logged as `<name>_bad_sample_weight`.

    Formula:

        value = start + (end - start) * shape(min(epoch / epochs, 1))

    Args:
        start: Value at the first epoch, at least 0. Defaults to `0.0`.
        end: Value from epoch `epochs` on, at least 0. Defaults to `1.0`.
        epochs: Epochs from `start` to `end`. Defaults to `10`.
        regularizer: Name of the regularizer, or the object. `None` (default) means the only one
            of the model that has a `bad_sample_weight`.
        shape: `"linear"` (default), `"sigmoid"`, `"cosine"`, or a
            `keras.optimizers.schedules.LearningRateSchedule` that gives the value itself.
        steps: Updates of the optimizer from `start` to `end`, in place of `epochs`. Defaults to
            `None`.

    Raises:
        ValueError: See `Warmup`, which says how the shapes run and when the number moves.

    Example, for a regularizer with a `bad_sample_weight`:

    ```python
    import keras
    import numpy as np

    import keras_vat

    x, y = np.random.normal(size=(32, 2)), np.random.randint(2, size=32)
    fat = keras_vat.regularizers.FastAdversarialTraining(epsilon=0.1, radius=0.2)
    model = keras_vat.VATModel(keras.Sequential([keras.layers.Dense(2)]), fat)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(x, y, epochs=3, callbacks=[keras_vat.callbacks.LambdaWarmup()])
    history.history["fat_bad_sample_weight"]  # [0.0, 0.1, 0.2]
    ```

    Reference: Kim et al., "Understanding and Improving Virtual Adversarial Training"
    (arXiv:1909.06737), equation 8 (lambda), sections 4.3 and 5.1.
    """

    attribute = "bad_sample_weight"
    cure = "add FastAdversarialTraining"
