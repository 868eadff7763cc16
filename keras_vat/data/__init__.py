"""Semi-supervised batches, splits, loaders, toy sets, whitening and augmentation."""

from keras_vat.data.augmentation import augmentation
from keras_vat.data.labeled_split import labeled_split
from keras_vat.data.load import load
from keras_vat.data.semi_supervised import semi_supervised
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.data.sine_waves import sine_waves
from keras_vat.data.two_circles import two_circles
from keras_vat.data.two_moons import two_moons
from keras_vat.data.zca_whitening import ZCAWhitening

__all__ = [
    "SemiSupervisedInputs",
    "ZCAWhitening",
    "augmentation",
    "labeled_split",
    "load",
    "semi_supervised",
    "sine_waves",
    "two_circles",
    "two_moons",
]


def __dir__():
    return __all__
