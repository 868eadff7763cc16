import os
from pathlib import Path
from typing import Any

import keras

from keras_vat import arguments
from keras_vat.generators.check_generator import check_generator
from keras_vat.plotting import plot_reconstructions

_ROW = 10


class GeneratorPictures(keras.callbacks.Callback):
    """Writes a picture of reconstructions and samples while a generator trains.

    Three rows: images, their reconstructions, and samples, each time of the same latent points, so
    that a change of the picture is a change of the generator. Needs matplotlib.

    Args:
        x: Images in [0, 1], `(rows, height, width, channels)`; the first 10 are drawn.
        path: File of the picture, whose ending says its format. `{epoch}` in it becomes the
            epoch's number, counted from 1 (`"pictures/{epoch:03d}.png"`); without it, each
            picture replaces the one before. Folders are made as needed.
        every: Epochs from one picture to the next. Defaults to `1`.
        seed: Seed of the samples. Defaults to `0`.

    Raises:
        TypeError: If `every` is not an integer or `path` no path; if the model can't `encode` or
            `decode`.
        ValueError: If `every` is below 1, `x` holds no images, or `path` has other names in braces.

    Example:

    ```python
    x = np.random.uniform(size=(32, 8, 8, 1)).astype("float32")
    vae = keras_vat.generators.VAE((8, 8, 1), latent_dim=4, widths=(8, 8))
    vae.compile("adam")
    pictures = keras_vat.callbacks.GeneratorPictures(x, "pictures/{epoch:03d}.png", every=2)
    vae.fit(x, epochs=4, callbacks=[pictures])  # writes 002.png and 004.png
    ```

    Reference: Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
    (arXiv:2011.13181), figure 7.
    """

    def __init__(self, x: Any, path: str | os.PathLike, every: int = 1, seed: int = 0):
        super().__init__()
        if len(getattr(x, "shape", ())) != 4 or not len(x):
            raise ValueError(
                "`x` must hold images, (rows, height, width, channels), and at least one. "
                f"Received: x of shape {getattr(x, 'shape', None)}"
            )
        self.x = x[:_ROW]
        self.path = arguments.path("path", path)
        try:
            self.path.format(epoch=1)
        except (LookupError, ValueError) as error:
            raise ValueError(
                "`path` must be a file's name in which only `{epoch}` stands in braces, as "
                f"'pictures/{{epoch:03d}}.png'. Received: path={self.path!r}"
            ) from error
        self.every = arguments.whole_number("every", every, 1)
        self.seed = arguments.seed(seed)

    def on_train_begin(self, logs=None):
        check_generator(self.model, "model")

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            self._write(Path(self.path.format(epoch=epoch + 1)))

    def _write(self, path):
        import matplotlib.pyplot as plt

        reconstructions = self.model.decode(self.model.encode(self.x))
        samples = self.model.sample(_ROW, seed=self.seed)
        ax = plot_reconstructions(self.x, reconstructions, samples)
        path.parent.mkdir(parents=True, exist_ok=True)
        ax.figure.savefig(path)
        plt.close(ax.figure)
