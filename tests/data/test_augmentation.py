import keras
import pytest

from keras_vat.data import augmentation


@pytest.mark.parametrize(("name", "flip"), [("cifar10", True), ("svhn", False), ("mnist", False)])
def test_shifts_by_two_pixels_and_mirrors_only_cifar10(name, flip):
    layer = augmentation(name, seed=4)
    assert isinstance(layer, keras.layers.Layer)
    assert (layer.max_shift, layer.horizontal_flip, layer.seed) == (2, flip, 4)


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="`name` must be one of .* Received: name='imagenet'"):
        augmentation("imagenet")
