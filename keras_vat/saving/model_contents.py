"""What a file holds of a `VATModel`, and how it is read again."""

import keras
import numpy as np

from keras_vat.as_in_keras import as_in_keras
from keras_vat.keras_model import KerasModel
from keras_vat.saving import seed_states
from keras_vat.saving.check_settings import check_settings, unknown_settings_explained
from keras_vat.saving.whole_files import WholeFiles
from keras_vat.version import __version__

VERSION = "keras_vat_version"
REGULARIZERS = "names_of_the_regularizers"

_PARTS = ("classifier", "classifier_dtype", "regularizers")


class ModelContents(WholeFiles):
    """Mix-in of `VATModel`: its config, its seeds, and files that are whole."""

    @as_in_keras(KerasModel.load_weights)
    def load_weights(self, filepath, **kwargs):
        """As `keras.Model.load_weights`; the optimizer's state is read before any step, too.

        A file that is refused leaves all numbers as they were, also those that were read first.

        Raises:
            ValueError: For a classifier that is not built, and for a file of other regularizers.
        """
        if not self.classifier.built:
            raise ValueError(
                f"`load_weights` needs a built classifier: call '{self.name}' on a batch first. "
                f"Received: the classifier '{self.classifier.name}', which is not built yet"
            )
        optimizer = getattr(self, "optimizer", None)
        if optimizer is not None and self.built and not optimizer.built:
            optimizer.build(self.trainable_variables)
        variables = [*self.variables, *(optimizer.variables if optimizer is not None else ())]
        before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
        try:
            return super().load_weights(filepath, **kwargs)
        except BaseException:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)
            raise

    def save_own_variables(self, store):
        store[REGULARIZERS] = np.frombuffer("\n".join(self._penalty_names).encode(), "uint8")
        for key, layer in self._layers_with_seeds():
            seed_states.save(store, key, layer)

    def load_own_variables(self, store):
        self._check_regularizers(store)
        for key, layer in self._layers_with_seeds():
            seed_states.load(store, key, layer)

    def _check_regularizers(self, store):
        """Raises for a file whose numbers would go to other regularizers: it holds them in order.

        A file without their names is of a version that did not write them; a model without
        regularizers takes the classifier from any file.
        """
        if REGULARIZERS not in store.keys() or not self.regularizers:
            return
        names = np.asarray(store[REGULARIZERS], "uint8").tobytes().decode().split("\n")
        if names != self._penalty_names:
            raise ValueError(
                "The file is of a model with other regularizers, or with the same in another "
                f"order: make this one as that was. Received: {names} in the file, "
                f"{self._penalty_names} in the model"
            )

    def _layers_with_seeds(self):
        """The names under which seeds are saved, with the layers that have them."""
        regularizers = [(f"seeds_of_{layer.name}", layer) for layer in self.regularizers]
        return [("seeds_of_the_classifier", self.classifier), *regularizers]

    def get_config(self):
        return {
            VERSION: __version__,
            "name": self.name,
            "classifier": keras.saving.serialize_keras_object(self.classifier),
            "classifier_dtype": keras.dtype_policies.serialize(self.classifier.dtype_policy),
            "regularizers": [
                keras.saving.serialize_keras_object(regularizer)
                for regularizer in self.regularizers
            ],
            **self._config,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        settings = dict(config)
        version = settings.pop(VERSION, "unknown")
        check_settings("VATModel", _PARTS, set(config) & set(_PARTS), version)
        classifier, dtype, regularizers = (settings.pop(name) for name in _PARTS)
        classifier = keras.saving.deserialize_keras_object(
            classifier, custom_objects=custom_objects
        )
        # A functional model's own config leaves its policy to the global one.
        classifier.dtype_policy = keras.dtype_policies.deserialize(
            dtype, custom_objects=custom_objects
        )
        with unknown_settings_explained("VATModel", version):
            regularizers = [
                keras.saving.deserialize_keras_object(saved, custom_objects=custom_objects)
                for saved in regularizers
            ]
            model = cls(classifier, regularizers, **settings)
        check_settings("VATModel", model.get_config(), {VERSION, *config}, version)
        for regularizer, saved in zip(regularizers, config["regularizers"], strict=True):
            known = regularizer.get_config()
            check_settings(type(regularizer).__name__, known, saved["config"], version)
        return model
