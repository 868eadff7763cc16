"""The checks of data that hang on the model: its regularizers, its loss, its classes."""

from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.forward.labels import only_one
from keras_vat.training.check_training_data import check_class_numbers


class CheckedData:
    """Mix-in of `VATModel`: raises for data that its methods or its loss can't work with."""

    def _check_labels(self, y):
        for regularizer in self.regularizers:
            regularizer.check_labels(y)
        if y is None and self.loss is not None:
            raise ValueError(
                "`y` is needed by the compiled loss. Where only some rows have labels, pair them "
                "with the others by keras_vat.data.semi_supervised((x, y), unlabeled). "
                "Received: y=None"
            )

    @property
    def _num_classes(self):
        """Number of the classifier's outputs, `None` where it is unknown."""
        shape = getattr(self.classifier, "output_shape", None) if self.classifier.built else None
        shape = only_one(shape)
        return shape[-1] if isinstance(shape, tuple) and isinstance(shape[-1], int) else None

    def _check_class_numbers(self, y):
        check_class_numbers(y, getattr(self, "loss", None), self._num_classes)

    def _check_inputs(self, x):
        """Lets the regularizers look at a batch outside of any compiled function."""
        inputs = x if isinstance(x, SemiSupervisedInputs) else [] if x is None else [x]
        for regularizer in self.regularizers:
            if regularizer.limits_inputs:
                for part in inputs:
                    regularizer.check_inputs(part)
