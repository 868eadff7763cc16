from keras_vat.callbacks.warmup import Warmup


class EpsilonWarmup(Warmup):
    """Moves the `epsilon` of a regularizer, the norm of its perturbations, while `fit` runs.

    A small neighbourhood is smoothed before a large one is asked for. `end` is on the scale of the
    inputs, so it nearly always needs to be given. The value is logged as `<name>_epsilon`.

    Formula:

        value = start + (end - start) * shape(min(epoch / epochs, 1))

    Args:
        start: Value at the first epoch, at least 0. Defaults to `0.0`.
        end: Value from epoch `epochs` on, at least 0. Defaults to `1.0`.
        epochs: Epochs from `start` to `end`. Defaults to `10`.
        regularizer: Name of the regularizer, or the object. `None` (default) means the only one
            of the model that has an `epsilon`.
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
    warmup = keras_vat.callbacks.EpsilonWarmup(0.1, 0.5, epochs=2)
    history = model.fit(x, y, epochs=3, callbacks=[warmup])
    history.history["vat_epsilon"]  # [0.1, 0.3, 0.5]
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), equation 5
    (epsilon).
    """

    attribute = "epsilon"
