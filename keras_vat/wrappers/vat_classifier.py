"""Virtual adversarial training as a scikit-learn classifier."""

import contextlib
import warnings

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from keras_vat import arguments
from keras_vat.wrappers import compiled_models
from keras_vat.wrappers.new_model import new_model
from keras_vat.wrappers.training_rows import training_batches
from keras_vat.wrappers.unlabeled_rows import is_unlabeled

MOST_EPOCHS = 10
MOST_STEPS_PER_EXECUTION = 50


class VATClassifier(ClassifierMixin, BaseEstimator):
    """TODO"""

    def __init__(
        self,
        model=None,
        regularizer="vat",
        epsilon=1.0,
        weight=1.0,
        optimizer="adam",
        updates=1000,
        labeled_batch_size=32,
        unlabeled_batch_size=128,
        callbacks=None,
        random_state=None,
        verbose=0,
        class_weight=None,
    ):
        self.model = model
        self.regularizer = regularizer
        self.epsilon = epsilon
        self.weight = weight
        self.optimizer = optimizer
        self.updates = updates
        self.labeled_batch_size = labeled_batch_size
        self.unlabeled_batch_size = unlabeled_batch_size
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose
        self.class_weight = class_weight

    def fit(self, X, y, sample_weight=None):
        """Trains a new model.

        Args:
            X: Rows, `(rows, ...)`: an array of numbers or a data frame.
            y: Labels of any kind, `(rows,)`; -1: no label.
            sample_weight: Weights of at least 0, `(rows,)`. Whole numbers up to 10 count a row,
                labelled or not, as if it came so often; others are factors of the loss of
                labelled rows. A row of weight 0 is left out. `None` (default): all count once.

        Returns:
            The estimator.
        """
        updates = arguments.whole_number("updates", self.updates, 1)
        batch_sizes = [
            arguments.whole_number(name, getattr(self, name), 1)
            for name in ("labeled_batch_size", "unlabeled_batch_size")
        ]
        X, y = validate_data(self, X, y, dtype=_dtype(), allow_nd=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        y = self._class_numbers(y, sample_weight)
        self._input_shape = X.shape[1:]
        _warn_of_sizes(X)
        num_classes = len(self.classes_)
        weights_seed, order_seed = _seeds(self.random_state)
        epochs = _largest_divisor(updates, MOST_EPOCHS)
        steps = updates // epochs
        # Callbacks see every step, and keep the model that they are given.
        own = bool(self.callbacks)
        per_execution = 1 if own else _largest_divisor(steps, MOST_STEPS_PER_EXECUTION)
        model = new_model(self, X[:8], num_classes, weights_seed, per_execution)
        rows = training_batches(X, y, sample_weight, self.class_weight, batch_sizes, order_seed)
        with contextlib.nullcontext(model) if own else compiled_models.trainable(model, num_classes) as trained:
            history = trained.fit(
                rows,
                steps_per_epoch=steps,
                epochs=epochs,
                shuffle=False,
                callbacks=self.callbacks,
                verbose=self.verbose,
            )
        self.history_ = history.history
        self.model_ = model
        self._predictor = compiled_models.predictor(model, num_classes)
        return self

    def predict_proba(self, X):
        """Probabilities of the classes, `(rows, classes)`, in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=_dtype(), allow_nd=True, reset=False)
        if X.shape[1:] != self._input_shape:
            raise ValueError(
                "`X` must have rows of the shape that `fit` was given. "
                f"Received: rows of shape {X.shape[1:]}, in `fit` {self._input_shape}"
            )
        if not hasattr(self, "_predictor"):  # read from a file
            self._predictor = compiled_models.predictor(self.model_, len(self.classes_))
        return self._predictor(self.model_.classifier, X)

    def predict(self, X):
        """The most probable class of every row, `(rows,)`."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def score(self, X, y, sample_weight=None):
        """Accuracy on the rows that have a label.

        Args:
            X, sample_weight: As in `fit`.
            y: Labels; rows where it is -1 don't count.
        """
        labeled = np.flatnonzero(~is_unlabeled(y))
        if not len(labeled):
            raise ValueError("`y` must have labels to score by. Received: y with labels of -1 only")
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[labeled]
        return super().score(_safe_indexing(X, labeled), _safe_indexing(y, labeled), sample_weight)

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_predictor", None)  # a compiled function
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _class_numbers(self, y, sample_weight):
        """Numbers of the classes, -1 where there is no label; sets `classes_`."""
        labeled = ~is_unlabeled(y)
        if not labeled.any():
            raise ValueError("`y` must have labels. Received: y with labels of -1 only")
        if sample_weight is not None:
            labeled &= sample_weight > 0
        check_classification_targets(y[labeled])
        self.classes_, numbers = np.unique(y[labeled], return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "`y` must have at least two classes besides -1, which marks rows without a label. "
                f"Received: labels of one class, {self.classes_.tolist()}"
            )
        found = np.full(len(y), -1, "int32")
        found[labeled] = numbers
        return found


def _dtype():
    return "float64" if keras.config.floatx() == "float64" else "float32"


def _seeds(random_state):
    """Seeds of weights and noise, and of the order; `None` doesn't draw from NumPy's global one."""
    if random_state is None:
        random_state = np.random.RandomState()
    return check_random_state(random_state).randint(2**31 - 100, size=2).tolist()


def _largest_divisor(number, limit):
    return max(one for one in range(1, limit + 1) if number % one == 0)


def _warn_of_sizes(x):
    """Says so where columns of a table differ a hundredfold in size: epsilon fits one of them.

    Both by range and by standard deviation: standardised columns may have far outliers, and those
    of rare categories are small only by the deviation.
    """
    if x.ndim != 2:
        return
    ratios = []
    for sizes in (np.ptp(x, axis=0), x.std(axis=0)):
        sizes = sizes[sizes > 0]
        ratios.append(sizes.max() / sizes.min() if len(sizes) else 1.0)
    if min(ratios) >= 100:
        warnings.warn(
            "The columns of `X` differ a hundredfold in size, and one epsilon is meant for all of "
            "them. Scale them first: make_pipeline(StandardScaler(), VATClassifier()). "
            f"Received: columns whose standard deviations differ by a factor of {ratios[1]:.0f}",
            stacklevel=3,
        )
