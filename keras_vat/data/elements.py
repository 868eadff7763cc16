"""What an element of a data set holds: its inputs and its labels."""

import keras

from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs


def inputs_and_labels(element):
    """The inputs of an element that are looked at, and their labels or `None`.

    Of semi-supervised elements these are the unlabelled rows.

    Args:
        element: Inputs, a tuple that begins with them as in `fit`, or `SemiSupervisedInputs`.
    """
    x, y = element, None
    if not isinstance(element, SemiSupervisedInputs):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(element)
    return (x.unlabeled, None) if isinstance(x, SemiSupervisedInputs) else (x, y)
