"""What all layers that hold a generator have in common: it stays frozen."""

import keras

from keras_vat.generators.check_generator import freeze_generator, missing_methods


class FrozenGeneratorLayer(keras.layers.Layer):
    """Base class of layers that work through a generator and never train it.

    The generator is a part of the layer, and is saved with it if it has a config. None of its
    variables is trained or reported from here. May stand before another base class, which gets all
    further arguments.

    Args:
        generator: Any object with `encode` and `decode`; it is frozen.
        *arguments, **named: Those of the next base class.

    Raises:
        TypeError: If the generator has no `encode` or no `decode`.
    """

    def __init__(self, generator, *arguments, **named):
        super().__init__(*arguments, **named)
        self.generator = freeze_generator(generator)

    @property
    def trainable(self):
        """Always `False`: the generator stays frozen, whatever is set on a model around it."""
        return False

    @trainable.setter
    def trainable(self, value):
        pass

    @property
    def metrics(self):
        """None: the generator's belong to its own training."""
        return []

    def serialized_generator(self):
        """The generator's entry in the config.

        Raises:
            TypeError: If it has no config to be made again from.
            ValueError: If what is made again from it would lack weights that the generator has.
        """
        missing = missing_methods(self.generator, "get_config", "from_config")
        if missing:
            raise TypeError(
                "`generator` can't be saved with the model: its class has no "
                f"{' and no '.join(missing)}. Write both (`from_config` is a class method) and "
                "register the class (keras.saving.register_keras_serializable), save the "
                "classifier alone (`model.classifier.save(...)`), or save the weights "
                "(`model.save_weights(...)`) and load them into a model made with the same "
                f"generator. Received: generator={self.generator!r} "
                f"(of type {type(self.generator).__name__})"
            )
        if isinstance(self.generator, keras.layers.Layer) and not self.generator.built:
            # Keras builds again what was built as a whole; parts alone it does not.
            again = type(self.generator).from_config(self.generator.get_config())
            if len(again.weights) < len(self.generator.weights):
                raise ValueError(
                    "`generator` can't be saved with the model: made again from its config it "
                    "would lack weights, as only parts of it were called. Build the parts in its "
                    "constructor, or give it a `call` and call it once before it is handed over. "
                    f"Received: generator={self.generator!r}"
                )
        return keras.saving.serialize_keras_object(self.generator)
