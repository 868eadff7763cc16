"""Fine-tuning with few labels: a pre-trained backbone, frozen at first, on uint8 images
=====================================================================================

A small convolutional net learns the digits 0 to 4, all labelled: the backbone. Then 20 labels of
the digits 5 to 9. At first the backbone is frozen, with VAT at the features that it returns: they
are computed once a batch. Then all is trained at a small rate, with VAT at the images behind
`Rescaling`.

What to expect, means of three seeds, one minute on two cores: with the backbone frozen 38.2 % of
errors by the labels alone and 36.7 with VAT, for a linear head has little to smooth. Once all is
trained, 24.5 and 12.2.

Batch normalisation is trained, too, and `batch_statistics="auto"` feeds it all rows. Kept as it was
pre-trained (`--keep_normalization`) it gives 27.4 and 17.4, whatever `batch_statistics` is. Trained
with `--batch_statistics moving`, VAT does harm, 24.9 and 28.5: penalties then smooth another
function than the labels train.

::

    python examples/fine_tuning.py
    python examples/fine_tuning.py --application MobileNetV2 --weights imagenet --size 96
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_vat
from keras_vat.regularizers import VirtualAdversarialTraining

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

parser = argparse.ArgumentParser(
    description=str(__doc__).splitlines()[0],
    formatter_class=argparse.ArgumentDefaultsHelpFormatter,
)
parser.add_argument("--labels", type=int, default=20, help="labels of the digits 5 to 9")
parser.add_argument("--epsilon_features", type=float, default=1.0, help="norm of r at the features")
parser.add_argument("--epsilon", type=float, default=0.6, help="norm of r at images of 0 to 1")
parser.add_argument("--updates", type=int, default=200, help="training steps, frozen and then not")
parser.add_argument("--seeds", type=int, default=3, help="trainings of each method")
parser.add_argument("--batch_statistics", default="auto", help="of the VATModel")
parser.add_argument(
    "--keep_normalization", action="store_true", help="batch normalisation stays as pre-trained"
)
parser.add_argument("--application", help="of keras.applications, for inputs of -1 to 1")
parser.add_argument("--weights", help="of the application: imagenet or a file; None: random")
parser.add_argument("--size", type=int, default=32, help="of the images for the application")
arguments = parser.parse_args()


def digits(*classes):
    """Images of 0 to 255 as files have them, and labels from 0 on: to train on, and to test."""
    parts = []
    for x, y in keras_vat.data.load("digits"):
        rows = np.isin(y, classes)
        parts.append(((255 * x[rows]).astype("uint8"), np.searchsorted(classes, y[rows])))
    return parts


def small_backbone():
    """A convolutional net with batch normalisation that knows the digits 0 to 4."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    stack = [keras.Input((8, 8, 1))]
    for filters in (32, 64):
        stack.append(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        stack += [layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    backbone = keras.Sequential([*stack, layers.GlobalAveragePooling2D()], name="backbone")
    (x, y), (x_test, y_test) = digits(0, 1, 2, 3, 4)
    model = keras.Sequential([layers.Rescaling(1 / 255), backbone, layers.Dense(5)])
    rate = keras.optimizers.schedules.CosineDecay(0.003, 600)
    model.compile(keras.optimizers.Adam(rate), LOSS, metrics=["accuracy"])
    model.fit(x, y, epochs=30, verbose=0)
    error = 100 * (1 - model.evaluate(x_test, y_test, verbose=0)[1])
    print(f"backbone: {error:.1f} % of errors on the digits 0 to 4")
    return backbone


def application():
    """A backbone of `keras.applications`; the images are made larger, in three channels."""
    layers, images = keras.layers, keras.Input((8, 8, 1))
    larger = layers.Resizing(arguments.size, arguments.size)(images)
    colored = layers.Concatenate()([layers.Rescaling(2.0, offset=-1.0)(larger)] * 3)
    make = getattr(keras.applications, arguments.application)
    return make(
        include_top=False,
        weights=arguments.weights,
        input_tensor=colored,
        pooling="avg",
        name="backbone",
    )


def fine_tune(with_vat, seed):
    """Errors in % on the digits 5 to 9: with the backbone frozen, and after all was trained."""
    keras.utils.set_random_seed(seed)
    (x, y), test = digits(5, 6, 7, 8, 9)
    rows = keras_vat.data.labeled_split(y, arguments.labels, seed=seed)
    batches = keras_vat.data.semi_supervised(
        (x[rows], y[rows]), x, min(32, len(rows)), seed=seed, repeat=True
    )
    images = keras.Input((8, 8, 1), dtype="uint8")
    rescaling = keras.layers.Rescaling(1 / 255, name="images_to_1")
    classifier = keras.Sequential([images, rescaling, backbone, keras.layers.Dense(5)])
    errors = []
    for trainable, place, epsilon, rate in (
        (False, "backbone", arguments.epsilon_features, 0.01),
        (True, "images_to_1", arguments.epsilon, 0.0003),
    ):
        backbone.trainable = trainable
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = trainable and not arguments.keep_normalization
        vat = [VirtualAdversarialTraining(epsilon, perturb_at=place)] if with_vat else []
        model = keras_vat.VATModel(classifier, vat, batch_statistics=arguments.batch_statistics)
        optimizer = keras.optimizers.Adam(rate)
        model.compile(optimizer, LOSS, metrics=["accuracy"], steps_per_execution=20)
        model.fit(batches, steps_per_epoch=arguments.updates, verbose=0)
        errors.append(100 * (1 - model.evaluate(*test, verbose=0)[1]))
    return errors


backbone = application() if arguments.application else small_backbone()
pretrained = backbone.get_weights()
for name in ("supervised", "vat"):
    errors, start = [], time.perf_counter()
    for seed in range(arguments.seeds):
        backbone.set_weights(pretrained)
        errors.append(fine_tune(name == "vat", seed))
    seconds = (time.perf_counter() - start) / arguments.seeds
    frozen, trained = np.mean(errors, axis=0)
    each = " ".join(f"{before:.1f} -> {after:.1f}," for before, after in errors)
    print(f"{name:10} {each} mean {frozen:.1f} -> {trained:.1f} %, {seconds:.0f} s", flush=True)
