"""Virtual adversarial training as a scikit-learn classifier."""

import contextlib
import functools
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from keras_vat import arguments
from keras_vat.keras_internals import global_noise_kept
from keras_vat.wrappers import compiled_models
from keras_vat.wrappers.column_sizes import check_column_sizes
from keras_vat.wrappers.new_model import new_model
from keras_vat.wrappers.predicted_classes import check_predicted_classes
from keras_vat.wrappers.training_rows import training_batches
from keras_vat.wrappers.unlabeled_rows import check_missing_labels, is_unlabeled

MOST_EPOCHS = 10
MOST_STEPS_PER_EXECUTION = 50
FEWEST_UPDATES_TO_JUDGE = 100


class VATClassifier(ClassifierMixin, BaseEstimator):
    """Virtual adversarial training with `fit(X, y)`, where `y` is -1 for rows without a label.

    For a table, or arrays of any shape, with few labels and many rows. The labelled rows train a
    small net; all rows keep it smooth. It works wherever a classifier of scikit-learn does:
    pipelines, searches, calibration, pickles.

    Three things make it work on a table:

    1. Scale the columns, in a pipeline with `StandardScaler`. `epsilon` is the length of a step
       that a row as a whole takes, in the units of its columns.
    2. Begin with the default epsilon. Where there are tens of labels of a class, choose it by
       `GridSearchCV` with `cv=SemiSupervisedKFold()`, on a logarithmic grid such as `[1, 0.3, 3,
       0.1, 10]`; of equal scores the first is taken. `plotting.plot_epsilon_search` draws it.
    3. Compare with `LogisticRegression` on the labels. VAT moves the boundaries of the classes to
       where there are no rows. That helps where the classes are groups with gaps between them, as
       handwritten digits are, and can't help where they overlap, as incomes in a census do.
       `python -m benchmarks.accuracy.scikit_learn` measures it on four tables.

    Every `fit` trains a new model. The same `random_state` gives the same one, whatever the order
    of the rows and the global seeds, from which nothing is drawn. Fits of the same architecture
    share what is compiled, so that a search compiles once, unless there are callbacks or code of
    your own in the model. It warns of columns that differ a hundredfold where one epsilon is for
    all of them, and of one class for nearly all rows without a label, where the labels have others.

    Args:
        model: `None` (default): a perceptron of two hidden layers of 128 with layer normalisation,
            chosen among eleven on five tables (`benchmarks/README.md`); a function of
            `(input_shape, num_classes)` that returns a Keras model, of which every fit makes one
            (also with trained weights); or a Keras model, of which every fit trains a clone with
            new weights. It must end in one logit for each class, or a softmax over them.
        regularizer: A registered name such as `"vat"` (default), `"rpt"`, `"entropy"`; a
            `keras_vat.regularizers` object, whose own `epsilon` and `weight` hold; a class or
            function that makes one, called with those of `epsilon`, `weight` and `seed` that it
            takes, as `functools.partial(VirtualAdversarialTraining, scale=X.std(0))`; a list of
            these, as `["vat", "entropy"]`; or `None`: the labels alone.
        epsilon: Size of the perturbations of regularizers that are no objects. Defaults to `1.0`.
        weight: Factor of the penalties of regularizers that are no objects. Defaults to `1.0`.
        optimizer: Keras optimizer, or its name. Defaults to `"adam"`.
        updates: Training steps, whatever the number of rows. Defaults to `1000`.
        labeled_batch_size: Labelled rows of a step, or as many as there are. Defaults to `32`.
        unlabeled_batch_size: Rows of a step that the penalties see, drawn from all, or as many as
            there are. Defaults to `128`.
        callbacks: Keras callbacks. There are up to ten epochs of equal length.
        random_state: As everywhere in scikit-learn, but for `None` (default), which does not draw
            from NumPy's global generator.
        verbose: As in `keras.Model.fit`. Defaults to `0`.
        class_weight: `None` (default), `"balanced"`, or a dictionary from classes to factors of
            the loss; by the labelled rows.

    Attributes:
        classes_: Classes in ascending order, without -1.
        history_: Dictionary from names of losses, penalties and metrics to one value an epoch.
        model_: The trained `VATModel`.
        n_features_in_, feature_names_in_: As everywhere in scikit-learn.

    Raises:
        ValueError, TypeError: In `fit`, for parameters and rows that can't be used.

    Example:

    ```python
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from keras_vat.wrappers import SemiSupervisedKFold, VATClassifier

    X, y = load_digits(return_X_y=True)
    known = np.where(np.arange(len(y)) < 50, y, -1)  # the first 50 labels
    search = GridSearchCV(
        make_pipeline(StandardScaler(), VATClassifier(random_state=0)),
        {"vatclassifier__epsilon": [0.3, 1.0, 3.0]},
        cv=SemiSupervisedKFold(3, random_state=0),
    )
    print(search.fit(X, known).score(X[50:], y[50:]))
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976).
    """

    def __init__(
        self,
        model: Any = None,
        regularizer: Any = "vat",
        epsilon: float = 1.0,
        weight: float = 1.0,
        optimizer: Any = "adam",
        updates: int = 1000,
        labeled_batch_size: int = 32,
        unlabeled_batch_size: int = 128,
        callbacks: Any = None,
        random_state: Any = None,
        verbose: Any = 0,
        class_weight: Any = None,
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "VATClassifier":
        """Trains a new model.

        Args:
            X: Rows, `(rows, ...)`: an array of numbers or a data frame. Sparse rows are made dense.
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
        check_missing_labels(y)
        X, y = validate_data(self, X, y, dtype=_dtype(), allow_nd=True, accept_sparse="csr")
        X = _dense(X)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        y = self._class_numbers(y, sample_weight)
        self._input_shape = X.shape[1:]
        num_classes = len(self.classes_)
        weights_seed, order_seed = _seeds(self.random_state)
        epochs = _largest_divisor(updates, MOST_EPOCHS)
        steps = updates // epochs
        # Callbacks see every step, and keep the model that they are given.
        own = bool(self.callbacks)
        per_execution = 1 if own else _largest_divisor(steps, MOST_STEPS_PER_EXECUTION)
        with global_noise_kept():
            model = new_model(self, X[:8], num_classes, weights_seed, per_execution)
            if any(one.is_in_units_of_inputs for one in model.regularizers):
                check_column_sizes(X)
            rows = training_batches(X, y, sample_weight, self.class_weight, batch_sizes, order_seed)
            shared = contextlib.nullcontext if own else compiled_models.trainable
            with shared(model) as trained:
                history = trained.fit(
                    rows,
                    steps_per_epoch=steps,
                    epochs=epochs,
                    callbacks=self.callbacks,
                    verbose=self.verbose,
                )
        self.history_ = history.history
        self.model_ = model
        self._from_logits = model.loss.from_logits
        self._predictor = compiled_models.predictor(model.classifier, self._from_logits)
        if model.regularizers and updates >= FEWEST_UPDATES_TO_JUDGE:
            given = {name: getattr(self, name) for name in ("regularizer", "epsilon", "weight")}
            predict = functools.partial(self._predictor, model.classifier)
            check_predicted_classes(predict, X, y, self.classes_, given)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, `(rows, classes)`, in the order of `classes_`."""
        check_is_fitted(self)
        X = _dense(
            validate_data(self, X, dtype=_dtype(), allow_nd=True, accept_sparse="csr", reset=False)
        )
        if X.shape[1:] != self._input_shape:
            raise ValueError(
                "`X` must have rows of the shape that `fit` was given. "
                f"Received: rows of shape {X.shape[1:]}, in `fit` {self._input_shape}"
            )
        classifier = self.model_.classifier
        if not hasattr(self, "_predictor"):  # read from a file
            self._predictor = compiled_models.predictor(classifier, self._from_logits)
        return self._predictor(classifier, X)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of every row, `(rows,)`."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy on the rows that have a label.

        Args:
            X, sample_weight: As in `fit`.
            y: Labels; rows where it is -1 don't count.
        """
        y = np.asarray(y)
        labeled = ~is_unlabeled(y)
        if not labeled.any():
            raise ValueError("`y` must have labels to score by. Received: y with labels of -1 only")
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[labeled]
        predicted = self.predict(X)[labeled]
        return accuracy_score(y[labeled], predicted, sample_weight=sample_weight)

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_predictor", None)  # a compiled function
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = tags.input_tags.sparse = True
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


def _dense(X):
    return X.toarray() if hasattr(X, "toarray") else X


def _dtype():
    return "float64" if keras.config.floatx() == "float64" else "float32"


def _seeds(random_state):
    """Seeds of weights and noise, and of the order; `None` doesn't draw from NumPy's global one."""
    if random_state is None:
        random_state = np.random.RandomState()
    return check_random_state(random_state).randint(2**31 - 100, size=2).tolist()


def _largest_divisor(number, limit):
    return max(one for one in range(1, limit + 1) if number % one == 0)
