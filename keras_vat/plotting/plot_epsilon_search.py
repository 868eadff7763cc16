from typing import Any

import numpy as np

from keras_vat.plotting.axes import axes_or_new
from keras_vat.plotting.palette import CATEGORIES, NEUTRAL


def plot_epsilon_search(search: Any, ax: Any = None) -> Any:
    """Draws a search's scores over epsilon: the mean of the folds, their spread, and the best.

    A good grid has its best value in the middle. Where the search varies more than epsilon, each
    epsilon is drawn with the best of the rest.

    Args:
        search: A fitted `GridSearchCV` or `RandomizedSearchCV` of scikit-learn over a parameter
            whose name ends in `epsilon`, such as `"epsilon"` or `"vatclassifier__epsilon"`.
        ax: Matplotlib axes to draw on. `None` (default): those of a new figure.

    Returns:
        The matplotlib axes.

    Raises:
        TypeError: If `search` has not been fitted, or is no search.
        ValueError: If it did not vary epsilon, or has several scores.

    Example:

    ```python
    search = GridSearchCV(
        make_pipeline(StandardScaler(), VATClassifier()),
        {"vatclassifier__epsilon": [1.0, 0.3, 3.0, 0.1]},
        cv=SemiSupervisedKFold(),
    ).fit(x, y)
    keras_vat.plotting.plot_epsilon_search(search)
    ```
    """
    epsilons, scores, spreads, chosen = _best_of_each(_results(search))
    ax = axes_or_new(ax, figsize=(6.0, 3.8))
    ax.fill_between(
        epsilons, scores - spreads, scores + spreads, color=CATEGORIES[0], alpha=0.15, linewidth=0
    )
    ax.plot(epsilons, scores, color=CATEGORIES[0], marker="o", markersize=3.5, linewidth=1.6)
    ax.axvline(chosen, color=NEUTRAL, linestyle=":", label=f"best: {chosen:g}")
    if epsilons[0] > 0 and epsilons[-1] > 5 * epsilons[0]:
        ax.set_xscale("log")
    ax.set(xlabel="size ε of the perturbation", ylabel="score, mean ± standard deviation of folds")
    ax.grid(color="#E0E0E0", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize="small", frameon=False)
    return ax


def _results(search):
    results = getattr(search, "cv_results_", None)
    if results is None:
        raise TypeError(
            "`search` must be a GridSearchCV or RandomizedSearchCV that has been fitted. "
            f"Received: search={search!r}"
        )
    if "mean_test_score" not in results:
        raise ValueError(
            "`search` must have one score; take `scoring` of a single name. Received: scores "
            f"{sorted(name for name in results if name.startswith('mean_test_'))}"
        )
    return results


def _best_of_each(results):
    """Epsilons in ascending order, the mean score and the spread of the best of each, and the best.

    Of equally good ones that is the first in the grid, as it is in the search.
    """
    names = [name for name in results if name.startswith("param_")]
    varied = [name for name in names if name.endswith("epsilon")]
    if len(varied) != 1:
        raise ValueError(
            "`search` must vary one parameter whose name ends in 'epsilon'. Received: search over "
            f"{[name.removeprefix('param_') for name in names]}"
        )
    of_rows = np.asarray(results[varied[0]], "float64")
    means, spreads = (np.asarray(results[f"{kind}_test_score"]) for kind in ("mean", "std"))
    epsilons = np.unique(of_rows)
    best = [max(np.flatnonzero(of_rows == one), key=means.__getitem__) for one in epsilons]
    return epsilons, means[best], spreads[best], of_rows[np.argmax(means)]
