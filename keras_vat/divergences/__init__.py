"""How far two outputs of a classifier are apart, from logits."""

from keras_vat.divergences.bernoulli import Bernoulli
from keras_vat.divergences.categorical import Categorical
from keras_vat.divergences.divergence import Divergence, check, get
from keras_vat.divergences.gaussian import Gaussian
from keras_vat.divergences.output_distribution import OutputDistribution

DISTRIBUTIONS = {
    distribution.name: distribution for distribution in (Categorical(), Bernoulli(), Gaussian())
}

__all__ = [
    "DISTRIBUTIONS",
    "Bernoulli",
    "Categorical",
    "Divergence",
    "Gaussian",
    "OutputDistribution",
    "check",
    "get",
]


def __dir__():
    return __all__
