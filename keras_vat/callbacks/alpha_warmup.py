from keras_vat.callbacks.warmup import Warmup


class AlphaWarmup(Warmup):
    """Moves the `weight` of a regularizer (alpha of the papers) while `fit` runs.

    Early in training the predictions are arbitrary, and smoothing them slows the classifier down;
    the weight grows as they become worth smoothing. The value is logged as `<name>_weight`.

    Formula:

        value = start + (end - start) * shape(min(epoch / epochs, 1))

    Args:
        start: Value at the first epoch, at least 0. Defaults to `0.0`.
        end: Value from epoch `epochs` on, at least 0. Defaults to `1.0`.
        epochs: Epochs from `start` to `end`. Defaults to `10`.
        regularizer: Name of the regularizer, or the object. `None` (default) means the only one
            of the model that has a `weight`.
        shape: `"linear"` (default), `"sigmoid"`, `"cosine"`, or a
            `keras.optimizers.schedules.LearningRateSchedule` that gives the value itself.
        steps: Updates of the optimizer from `start` to `end`, in place of `epochs`. Defaults to
            `None`.

    Raises:
        ValueError: See `Warmup`, which says how the shapes run and when the number moves.

    Example:

    ```python
    inputs = keras.Input((2,))
    classifier = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    vat = keras_vat.regularizers.VirtualAdversarialTraining(epsilon=0.3)
    model = keras_vat.VATModel(classifier, [vat])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.random.normal(size=(32, 2)), np.random.randint(2, size=32)
    history = model.fit(x, y, epochs=3, callbacks=[keras_vat.callbacks.AlphaWarmup(epochs=2)])
    history.history["vat_weight"]  # [0.0, 0.5, 1.0]
    ```

    Reference: Laine and Aila, "Temporal Ensembling for Semi-Supervised Learning"
    (arXiv:1610.02242), section 2.1 and appendix A (the sigmoid shape); Miyato et al., "Virtual
    Adversarial Training" (arXiv:1704.03976), equation 8 (alpha).
    """

    attribute = "weight"
