"""Latent-space virtual adversarial training on real MNIST (LVAT, figures 5 to 7)
==============================================================================

Trains a small VAE and a small Glow on the images without labels, keeps them in `--generators` and
uses them again next time; then a perceptron with 100 labels in four ways: supervised, vat, and
lvat through each generator. Prints test errors and saves `latent_vat.png`: originals, their
reconstructions and adversarial images of either space, and how far each moves an image and the
answer. About eight minutes on two cores with generators to train, six without.
Needs TFDS_DATA_DIR (or --data digits: bundled digits, two minutes).

What to expect: virtual adversarial images are noisy, latent ones look like digits, move further
and change the answer more.

::

    python examples/latent_vat.py
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib.pyplot as plt

import keras_vat
from keras_vat import regularizers
from keras_vat.evaluation import perturbation_statistics

# For every data set: epsilon of vat, of lvat through the VAE and through Glow; generators' epochs.
SETTINGS = {"mnist": (3.5, 1.0, 3.5, 3), "digits": (0.6, 1.0, 1.0, 60)}


def make_generators(shape):
    return {
        "vae": keras_vat.generators.VAE(shape, latent_dim=32, widths=(16, 32, 64)),
        "glow": keras_vat.generators.Glow(shape, num_levels=2, num_steps=4, width=32),
    }


def trained(name, generator, x, folder, epochs):
    path = pathlib.Path(folder) / f"{name}.keras"
    if path.exists():
        return keras.saving.load_model(path)
    generator.compile(keras.optimizers.Adam(1e-3))
    history = generator.fit(x, batch_size=128, epochs=epochs, verbose=2).history
    print(f"{name}: loss {history['loss'][-1]:.3g} after {epochs} epochs", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    generator.freeze().save(path)
    return generator


def train(methods, shape, data, updates, seed=0):
    (x, y), (x_test, y_test) = data
    rows = keras_vat.data.labeled_split(y, 100, seed=seed)
    batches = keras_vat.data.semi_supervised((x[rows], y[rows]), x, 32, 128, seed=seed, repeat=True)
    keras.utils.set_random_seed(seed)
    model = keras_vat.VATModel(keras_vat.classifiers.mnist_mlp(0.5, shape), methods)
    rate = keras_vat.optimizers.ConstantThenLinearDecay(0.002, updates, updates // 2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"], steps_per_execution=50)
    model.fit(batches, steps_per_epoch=updates, verbose=0)
    accuracy = model.evaluate(x_test, y_test, 500, verbose=0, return_dict=True)["accuracy"]
    return model, 100 * (1 - accuracy)


def draw(model, perturbations, generators, x, path):
    """Original, reconstructed and adversarial images, and the histograms of figures 5 and 6."""
    figure = plt.figure(figsize=(12, 6), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    images = figure.add_subplot(grid[0, :])
    rows = {"vat": perturbations["vat"].perturb(model, x[:12])}
    for name, generator in generators.items():
        rows[f"{name}, reconstruction"] = generator.decode(generator.encode(x[:12]))
        rows[f"lvat-{name}"] = perturbations[f"lvat-{name}"].perturb(model, x[:12])
    keras_vat.plotting.plot_bad_samples(x[:12], rows, max_images=12, ax=images)
    statistics = perturbation_statistics(model, x, perturbations)
    axes = [figure.add_subplot(grid[1, place]) for place in range(2)]
    for ax, quantity in zip(axes, ("consistency_cost", "distance"), strict=True):
        keras_vat.plotting.plot_perturbation_statistics(statistics, quantity, ax=ax)
    figure.savefig(path, dpi=100)
    print(f"picture: {path}")


def main():
    parser = argparse.ArgumentParser(
        description=str(__doc__).splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", choices=SETTINGS, default="mnist", help="the images")
    parser.add_argument("--updates", type=int, default=1500, help="steps of each training")
    parser.add_argument("--generators", default="generators", help="folder that keeps them")
    parser.add_argument("--picture", default="latent_vat.png", help="file for the picture")
    arguments = parser.parse_args()

    data = keras_vat.data.load(arguments.data)
    x = data[0][0]
    shape = x.shape[1:]
    vat, vae, glow, epochs = SETTINGS[arguments.data]
    keras.utils.set_random_seed(0)
    generators = {
        name: trained(
            name,
            generator,
            x[:20_000],
            pathlib.Path(arguments.generators) / arguments.data,
            epochs,
        )
        for name, generator in make_generators(shape).items()
    }
    methods = {
        "supervised": [],
        "vat": regularizers.get("vat", epsilon=vat),
        "lvat-vae": regularizers.get("lvat", generator=generators["vae"], epsilon=vae),
        "lvat-glow": regularizers.get("lvat", generator=generators["glow"], epsilon=glow),
    }
    shown = None
    for name, method in methods.items():
        model, error = train(method, shape, data, arguments.updates)
        print(f"{name}: {error:.1f} % test error", flush=True)
        if name == "vat":
            shown = model
    perturbations = {name: methods[name].perturbation for name in ("vat", "lvat-vae", "lvat-glow")}
    draw(shown, perturbations, generators, data[1][0][:500], arguments.picture)


if __name__ == "__main__":
    main()
