"""scikit-learn's own checks of an estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from keras_vat.wrappers import VATClassifier

EXPECTED_FAILURES = {
    "check_classifiers_classes": "takes -1 for a class, which marks rows without a label here",
}


@pytest.mark.slow  # trains fifty times, of data of all shapes
# Some checks have features around 100, of which the classifier is sure whatever moves by epsilon.
@pytest.mark.filterwarnings("ignore:.*zero to rounding for a whole epoch:UserWarning")
@parametrize_with_checks(
    [VATClassifier(updates=60)],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)
