"""A table with few labels, in scikit-learn: handwritten digits as 64 columns, 50 labels
=====================================================================================

Scales the columns, chooses epsilon by cross-validation on the 50 labels, draws the search to
`scikit_learn.png`, and compares test errors with what scikit-learn has for few labels. Offline;
about two minutes on two cores.

What to expect: virtual adversarial training halves the error of logistic regression, and self-
training comes close to it. The curve of the search is flat up to its best and its band is wide, for
ten labels a fold are a coarse measure: any epsilon near the best one does.

::

    python examples/scikit_learn.py
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from keras_vat.plotting import plot_epsilon_search
from keras_vat.wrappers import SemiSupervisedKFold, VATClassifier


def load(num_labels, seed):
    """Rows to train on, with labels of which all but a few are -1, and rows to test."""
    x, y = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=500, stratify=y, random_state=seed)
    unlabeled, _ = train_test_split(
        np.arange(len(y)), test_size=num_labels, stratify=y, random_state=seed
    )
    known = np.array(y)
    known[unlabeled] = -1
    return x, known, x_test, y_test


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--labels", type=int, default=50, help="labelled images")
    grid = [1.0, 0.3, 3.0, 10.0]  # of equally good ones the first is chosen
    parser.add_argument("--epsilons", type=float, nargs="+", default=grid, help="values to try")
    parser.add_argument("--updates", type=int, default=1000, help="steps of each training")
    parser.add_argument("--seed", type=int, default=0, help="of labels, weights and batches")
    parser.add_argument("--picture", default="scikit_learn.png", help="file for the picture")
    arguments = parser.parse_args()

    x, y, x_test, y_test = load(arguments.labels, arguments.seed)
    vat = make_pipeline(
        StandardScaler(), VATClassifier(updates=arguments.updates, random_state=arguments.seed)
    )
    search = GridSearchCV(
        vat,
        {"vatclassifier__epsilon": arguments.epsilons},
        cv=SemiSupervisedKFold(5, random_state=arguments.seed),
    ).fit(x, y)
    print("epsilon   error in cross-validation, %")
    for epsilon, score in zip(
        arguments.epsilons, search.cv_results_["mean_test_score"], strict=True
    ):
        print(f"{epsilon:7g}{100 * (1 - score):12.1f}")
    plot_epsilon_search(search).figure.savefig(arguments.picture, dpi=110)
    print(f"picture: {arguments.picture}")

    scaler = FrozenEstimator(StandardScaler().fit(x))  # by all rows, as the others' are
    logistic = make_pipeline(scaler, LogisticRegression(max_iter=1000))
    self_training = make_pipeline(
        StandardScaler(), SelfTrainingClassifier(LogisticRegression(max_iter=1000), threshold=0.9)
    )
    known = y != -1
    print("test error, %")
    for name, classifier in (
        ("logistic regression", logistic.fit(x[known], y[known])),
        ("self-training", self_training.fit(x, y)),
        (f"vat, epsilon {search.best_params_['vatclassifier__epsilon']:g}", search),
    ):
        print(f"{name:22}{100 * np.mean(classifier.predict(x_test) != y_test):6.1f}", flush=True)


if __name__ == "__main__":
    main()
