"""The generators of the LVAT paper: trained once for each data set, then kept and used again."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras

from benchmarks import report
from benchmarks.accuracy import data
from keras_vat import generators
from keras_vat.classifiers import published_settings as settings


@dataclass(frozen=True)
class GeneratorRecipe:
    """A generator and how it is trained.

    Args:
        name: Of its file.
        dataset: Name for `keras_vat.data.load`.
        make: Function of the images' shape: a `Generator`.
        batch_size: Images of an update.
        updates: Number of updates.
        rate: Function of the epoch, from 0, to the learning rate; an epoch is a pass over the
            images.
        augmentation: Name for `keras_vat.data.augmentation`, or `None`.
    """

    name: str
    dataset: str
    make: Callable
    batch_size: int
    updates: int
    rate: Callable
    augmentation: str | None = None


def vae_rate(epoch):
    """Table 2's VAE: 80 epochs at 0.001, then 3 % less every two."""
    return 1e-3 * 0.97 ** max(0, (epoch - 80) // 2)


def vae(dataset, images, augmentation=None):
    """LVAT, section 6.2: 300 epochs in batches of 256."""
    name = "-".join(filter(None, ("vae", dataset, augmentation and "augmented")))
    updates = 300 * (images // 256)
    return GeneratorRecipe(name, dataset, generators.VAE, 256, updates, vae_rate, augmentation)


def glow(dataset, augmentation=None):
    """LVAT, section 6.2: 3 levels of 22 steps. Batches of 64 are ours, the paper names no size."""
    name = "-".join(filter(None, ("glow", dataset, augmentation and "augmented")))
    updates = 15_600 if augmentation is None else 25_600
    return GeneratorRecipe(
        name, dataset, papers_glow, 64, updates, lambda epoch: 1e-4, augmentation
    )


def papers_glow(shape):
    return generators.Glow(shape, num_levels=3, num_steps=22, width=128, scale="exponential")


# Small enough for two cores.
SMALL_VAE = GeneratorRecipe(
    "vae-small-mnist",
    "mnist",
    lambda shape: generators.VAE(shape, latent_dim=32, widths=(16, 32, 64)),
    batch_size=128,
    updates=2000,
    rate=lambda epoch: 1e-3,
)
SMALL_DIGITS_VAE = replace(
    SMALL_VAE,
    name="vae-small-digits",
    dataset="digits",
    make=lambda shape: generators.VAE(shape, latent_dim=16, widths=(16, 32)),
)
SMALL_CIFAR10_VAE = replace(
    SMALL_VAE,
    name="vae-small-cifar10",
    dataset="cifar10",
    make=lambda shape: generators.VAE(shape, latent_dim=128, widths=(16, 32, 64)),
)
SMALL_GLOW = GeneratorRecipe(
    "glow-small-mnist",
    "mnist",
    lambda shape: generators.Glow(shape, num_levels=2, num_steps=4, width=32),
    batch_size=128,
    updates=2000,
    rate=lambda epoch: 1e-3,
)


@functools.cache
def trained(recipe):
    """The recipe's generator, frozen: from its file, if there is one.

    A training that was stopped goes on from its last epoch.
    """
    path = report.RESULTS / "generators" / f"{recipe.name}.keras"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        train(recipe, path.with_suffix(".backup")).freeze().save(path)
    return keras.saving.load_model(path)


def train(recipe, backup):
    """Trains on all training images."""
    print(f"{recipe.name}: {recipe.updates} updates, kept for later", flush=True)
    x, y = data.load(recipe.dataset, seed=0)[0]
    rows = data.Rows(labeled=(x, y), unlabeled=x, validation=None, test=None)
    batches = replace(
        settings.CIFAR10_SUPERVISED,
        labeled_batch_size=recipe.batch_size,
        augmentation=recipe.augmentation,
    )
    keras.utils.set_random_seed(0)
    generator = recipe.make(x.shape[1:])
    generator.compile(keras.optimizers.Adam(recipe.rate(0)))
    generator.begin_training(x[: recipe.batch_size])
    epoch = min(len(x) // recipe.batch_size, recipe.updates)
    generator.fit(
        data.batches(rows, batches, seed=0),
        steps_per_epoch=epoch,
        epochs=math.ceil(recipe.updates / epoch),
        verbose=2,
        shuffle=False,
        callbacks=[
            keras.callbacks.LearningRateScheduler(recipe.rate),
            keras.callbacks.BackupAndRestore(backup, double_checkpoint=True),
        ],
    )
    return generator
