"""The methods for scikit-learn: an estimator, and a splitter that knows unlabelled rows.

The only room that needs scikit-learn; `import keras_vat` leaves it alone.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "`keras_vat.wrappers` needs scikit-learn. Install it with `pip install scikit-learn`."
    ) from error

from keras_vat.wrappers.semi_supervised_kfold import SemiSupervisedKFold
from keras_vat.wrappers.vat_classifier import VATClassifier

__all__ = ["SemiSupervisedKFold", "VATClassifier"]


def __dir__():
    return __all__
