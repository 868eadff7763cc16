"""Cross-validation where most rows have no label."""

from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from keras_vat.wrappers.unlabeled_rows import is_unlabeled


class SemiSupervisedKFold(StratifiedKFold):
    """K folds of the labelled rows; the unlabelled ones train in every fold.

    A splitter for `cross_val_score`, `GridSearchCV` and whatever else takes `cv`. Rows whose `y`
    is -1 have no label: they can't be scored, so no test fold has them. scikit-learn's own
    splitters take -1 for one more class.

    Args:
        n_splits: Number of folds, at least 2. Defaults to `5`.
        shuffle: Whether the labelled rows are shuffled first. Defaults to `True`.
        random_state: Seed of the shuffling, as everywhere in scikit-learn. Defaults to `None`.

    Raises:
        ValueError: In `split`, where every class has fewer labels than there are folds.

    Example:

    ```python
    import numpy as np
    from keras_vat.wrappers import SemiSupervisedKFold

    y = np.array([0, 0, 1, 1, -1, -1, -1, -1])
    for train, test in SemiSupervisedKFold(n_splits=2, random_state=0).split(y, y):
        print(len(train), len(test))  # 6 2, twice
    ```
    """

    def __init__(self, n_splits: int = 5, shuffle: bool = True, random_state: Any = None):
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    def split(self, X: Any, y: Any, groups: Any = None):
        """Pairs of indices, of the rows to train on and of the labelled ones to score.

        Args:
            X: Rows; only their number counts.
            y: Labels, `(rows,)`, -1 where there is none.
            groups: Not used.
        """
        y = np.asarray(y)
        unlabeled = is_unlabeled(y)
        labeled = np.flatnonzero(~unlabeled)
        for train, test in super().split(labeled, y[labeled]):
            yield np.sort(np.append(labeled[train], np.flatnonzero(unlabeled))), labeled[test]
