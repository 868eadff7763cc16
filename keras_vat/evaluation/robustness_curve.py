"""Robustness curve: every classifier on every classifier's adversarial examples."""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops, tree

from keras_vat import arguments
from keras_vat.evaluation.batches import batches
from keras_vat.evaluation.class_predictions import (
    check_labels,
    class_labels,
    class_predictions,
    count_classes,
)
from keras_vat.forward import Forward
from keras_vat.forward.compiled_run import CompiledRun
from keras_vat.perturbations import (
    AdversarialPerturbation,
    Perturbation,
    VirtualAdversarialPerturbation,
)

NO_CLASS = -1
"""Predicted by a classifier that can't be asked: of what a layer of another returns."""

NO_LABELS = (
    "`y` is needed: errors are told by the labels. Of a pair of inputs and labels, such as "
    "`data.load` returns, give both: x, y = pair. Received: y=None"
)
MOST_SIZES, MOST_NAMES = 7, 8  # in print
PERTURBATIONS = {"virtual": VirtualAdversarialPerturbation, "adversarial": AdversarialPerturbation}


class RobustnessCurve(NamedTuple):
    """What `robustness_curve` measured.

    Attributes:
        names: The classifiers' names, in order.
        epsilons: Sizes of the perturbations, `(sizes,)`.
        errors: Shares of misclassified images, `(sources, judges, sizes)`: `errors[i, j]` is the
            curve of classifier j on the examples that classifier i generated.
        num_images: Number of images that count.
        images: The first of these images, `(shown, ...)`; `None` for structures of inputs.
        labels: Their labels, `(shown,)`.
        examples: The same perturbed, `(sources, sizes, shown, ...)`.
        predictions: What the classifiers say to these, `(sources, judges, sizes, shown)`.
        correct_only: Whether only images count that all classifiers get right unperturbed.
    """

    names: list
    epsilons: np.ndarray
    errors: np.ndarray
    num_images: int
    images: np.ndarray
    labels: np.ndarray
    examples: np.ndarray
    predictions: np.ndarray
    correct_only: bool = False

    @property
    def counted(self):
        """Which images count, in words."""
        if self.correct_only:
            return f"the {self.num_images} images that all classify correctly"
        return f"all {self.num_images} images"

    def __repr__(self):
        sizes = np.unique(np.linspace(0, len(self.epsilons) - 1, MOST_SIZES).round().astype(int))
        shown = list(self.names)[:MOST_NAMES]
        width = max(len("epsilon"), *map(len, shown))
        lines = [
            f"RobustnessCurve: misclassified of {self.counted}, %, each classifier on its own "
            "perturbed images",
            _line("epsilon", width, [f"{self.epsilons[size]:.3g}" for size in sizes]),
        ]
        for i, name in enumerate(shown):
            errors = [f"{100 * self.errors[i, i, size]:.1f}" for size in sizes]
            lines.append(_line(name, width, errors))
        if len(self.names) > len(shown):
            lines.append(f"and {len(self.names) - len(shown)} more")
        return "\n".join(lines)


def _line(name, width, values):
    return "  ".join([name.ljust(width), *(value.rjust(6) for value in values)])


def robustness_curve(
    classifiers: Any,
    x: Any,
    y: Any = None,
    epsilons: Any = None,
    perturbation: Any = "adversarial",
    correct_only: bool = False,
    num_examples: int = 4,
    batch_size: int = 256,
    seed: int = 0,
) -> RobustnessCurve:
    """Errors of every classifier on every classifier's perturbed images, over their size.

    All images count, those that are misclassified without perturbation as well: `1 - errors[i, i]`
    is the accuracy of classifier i under attack. By default images move along the gradient of
    -log p(y | x), whatever loss a classifier was compiled with. Everything is measured at inference
    and no state moves.

    `perturbation="virtual", correct_only=True` is the protocol of the paper's figure 6: each size
    starts from the same random directions, and images count that all classifiers get right, so that
    every error is the perturbation's work. Which way along the virtual adversarial line an image
    moves is left to chance there, so about half of the images move to where their class is even
    clearer; `VirtualAdversarialPerturbation(epsilon, sign_search=True)` tries both ways.

    Formula, with x_i,epsilon the image x perturbed against classifier i:

        errors[i, j, epsilon] = mean over x of [prediction of j at x_i,epsilon is not y]

    Args:
        classifiers: Dictionary of name to classifier: built Keras models, `VATModel` among them.
        x: Images or other inputs, `(n, ...)`, or a structure of them; or a dataset of batches
            `(x, y)`.
        y: Labels of arrays: class numbers or one-hot rows.
        epsilons: Sizes of the perturbations, ascending numbers of at least 0.
        perturbation: `"adversarial"` (default): of the labels, eq. 3; `"virtual"`: virtual
            adversarial; or a callable `epsilon -> Perturbation`, called with each size. Where it
            has a `perturb_at`, no other classifier can be asked about what a layer of this one
            returns: `errors[i, j]` is NaN but for i = j, and there are no pictures.
        correct_only: `False` (default): all images count. `True`: those that all classifiers get
            right without perturbation.
        num_examples: How many perturbed images to keep, for pictures. Defaults to `4`.
        batch_size: Rows at a time; of a dataset, its own. Defaults to `256`.
        seed: Integer or `None`: of the random directions. Defaults to `0`.

    Returns:
        A `RobustnessCurve`; printed, it is a small table.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If epsilons don't ascend, no image is left by `correct_only`, labels are missing
            or are none of the classes, or a classifier does regression.

    Example:

    >>> curve = keras_vat.evaluation.robustness_curve(
    ...     {"VAT": model, "supervised": baseline}, x_test, y_test, epsilons=[0.1, 0.3, 1.0, 3.0])
    >>> print(curve)
    >>> curve.errors[0, 1]  # "supervised" on the examples of "VAT"
    >>> keras_vat.plotting.plot_robustness_curve(curve)

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), section 4.4.2 and figure
        6.
    """
    _check_classifiers(classifiers)
    epsilons = _ascending(epsilons)
    arguments.boolean("correct_only", correct_only)
    num_examples = arguments.whole_number("num_examples", num_examples, 0)
    make = _maker(perturbation, seed)
    judges = [CompiledRun(_predicted, classifier) for classifier in classifiers.values()]
    attacks = [
        [
            (made.compiled(_attacked, classifier), bool(made.places))
            for made in (_made(make, epsilon) for epsilon in epsilons)
        ]
        for classifier in classifiers.values()
    ]
    truth, predictions, shown = [], [], []
    for batch, labels in batches(x, y, batch_size):
        if labels is None:
            raise ValueError(NO_LABELS)
        rows = np.flatnonzero(_correct(judges, batch, labels) | (not correct_only))
        if not len(rows):
            continue
        first = rows[: max(0, num_examples - sum(map(len, truth)))]
        # Of all rows, so that batches have one shape: each would be compiled by itself.
        examples, predicted = _measure(judges, attacks, batch, labels, first)
        truth.append(class_labels(labels)[rows])
        predictions.append(predicted[..., rows])
        if not tree.is_nested(batch) and all(examples):
            shown.append((ops.convert_to_numpy(batch)[first], examples))
    if not truth:
        raise ValueError(
            "`classifiers` must have images that all of them classify correctly; there are none. "
            f"Received: classifiers={list(classifiers)}"
        )
    truth, predictions = np.concatenate(truth), np.concatenate(predictions, axis=-1)
    images, examples = zip(*shown, strict=True) if shown else (None, None)
    return RobustnessCurve(
        names=list(classifiers),
        epsilons=epsilons,
        errors=np.where(
            np.any(predictions == NO_CLASS, axis=-1), np.nan, np.mean(predictions != truth, axis=-1)
        ),
        num_images=len(truth),
        images=None if images is None else np.concatenate(images),
        labels=truth[:num_examples],
        examples=None if examples is None else np.concatenate(examples, axis=2),
        predictions=predictions[..., :num_examples],
        correct_only=correct_only,
    )


def _measure(judges, attacks, x, y, shown):
    """The perturbed rows to be shown, and all predictions `(sources, judges, sizes, batch)`."""
    predictions = np.empty((len(judges), len(judges), len(attacks[0]), len(y)), "int64")
    examples = []
    for i, sizes in enumerate(attacks):
        examples.append([])
        for size, (attack, is_inside) in enumerate(sizes):
            perturbed, predictions[i, i, size] = attack(x, y)
            for j, judge in enumerate(judges):
                if j != i:
                    predictions[i, j, size] = NO_CLASS if is_inside else judge(perturbed)[0]
            if not is_inside and not tree.is_nested(perturbed):
                examples[i].append(ops.convert_to_numpy(perturbed)[shown])
    return examples, predictions


def _attacked(classifier, perturbation, x, y):
    """Perturbed rows, or what some layers return of them, and their classes."""
    forward = Forward.of(classifier).by_likelihood()
    behind, perturbed = perturbation.moved(forward, x, y)
    return perturbed, class_predictions(behind.logits(perturbed), forward.clean(x).distribution)


def _predicted(classifier, x):
    """The classes of rows, and how many the classifier has."""
    clean = Forward.of(classifier).clean(x)
    predictions = class_predictions(clean.target, clean.distribution)
    return predictions, count_classes(clean.target, clean.distribution)


def _correct(judges, x, y):
    """Which rows all classifiers get right; raises for labels that are none of their classes."""
    correct = np.ones(len(y), bool)
    for judge in judges:
        predictions, num_classes = judge(x)
        check_labels(y, int(num_classes))
        correct &= ops.convert_to_numpy(predictions) == class_labels(y)
    return correct


def _maker(perturbation, seed):
    if isinstance(perturbation, Perturbation) or not (
        isinstance(perturbation, str) or callable(perturbation)
    ):
        raise TypeError(
            f"`perturbation` must be one of {tuple(PERTURBATIONS)} or a callable from epsilon to a "
            f"Perturbation. Received: perturbation={perturbation!r}"
        )
    if callable(perturbation):
        return perturbation
    kind = PERTURBATIONS[arguments.one_of("perturbation", perturbation, PERTURBATIONS)]
    return lambda epsilon: kind(epsilon, seed=seed)


def _made(make, epsilon):
    made = make(float(epsilon) or 1.0)
    if not isinstance(made, Perturbation):
        raise TypeError(
            "`perturbation` must return a Perturbation when it is called with an epsilon. "
            f"Received: {made!r}"
        )
    if not epsilon:
        made.epsilon = 0.0  # constructors refuse it: it makes no sense to train with
    return made


def _ascending(epsilons):
    values = np.asarray(epsilons)
    numeric = values.ndim == 1 and len(values) and values.dtype.kind in "iuf"
    if not numeric or not np.isfinite(values).all() or values[0] < 0:
        raise ValueError(
            "`epsilons` must be a list of finite numbers of at least 0. "
            f"Received: epsilons={epsilons!r}"
        )
    if np.any(np.diff(values) <= 0):
        raise ValueError(f"`epsilons` must ascend. Received: epsilons={epsilons!r}")
    return values.astype("float64")


def _check_classifiers(classifiers):
    if not isinstance(classifiers, dict) or not classifiers:
        raise TypeError(
            "`classifiers` must be a dictionary of name to classifier, such as {'VAT': model, "
            f"'supervised': baseline}}. Received: classifiers={classifiers!r}"
        )
    for name, classifier in classifiers.items():
        if not isinstance(classifier, keras.layers.Layer):
            raise TypeError(
                "`classifiers` must hold built Keras models or VATModels. "
                f"Received: classifiers[{name!r}] of type {type(classifier).__name__}"
            )
