from typing import Any

import keras
import numpy as np

from keras_vat import arguments
from keras_vat.evaluation import local_distributional_smoothness
from keras_vat.evaluation.batches import check_inputs
from keras_vat.forward import Forward
from keras_vat.perturbations import VirtualAdversarialPerturbation


class SmoothnessMonitor(keras.callbacks.Callback):
    """Logs the mean local distributional smoothness (LDS) of some inputs after each epoch.

    LDS is what virtual adversarial training makes small: how far the prediction moves within
    `epsilon` of an input, in the worst direction. Watched on held-out inputs, it tells whether the
    smoothness carries over to them. Every epoch starts its search from the same random directions,
    so that a change of the curve is a change of the classifier. It costs about
    `2 + 2 * num_power_iterations` passes over `x` per epoch; a few hundred rows are enough.
    A callback that watches the number, as `EarlyStopping(monitor="lds", mode="min")`, stands after
    it in the list.

    Formula:

        r_vadv(x) = argmax over |r| = epsilon of KL(p(y|x) || p(y|x + r))   (by power iteration)
        lds       = mean over x of KL(p(y|x) || p(y|x + r_vadv(x)))

    Args:
        x: Inputs of the classifier, `(rows, ...)`, or a structure of them; or a dataset of batches,
            of `x` or `(x, y)`.
        epsilon: Norm of the perturbation; positive.
        num_power_iterations: Steps of the power iteration (K of the paper). Defaults to `1`.
        batch_size: Rows per pass; of a dataset, its own. Defaults to `256`.
        seed: Seed of the first directions. Defaults to `0`.
        name: Name under which the number is logged. Defaults to `"lds"`.
        perturb_at, scale, temperature: As in `regularizers.VirtualAdversarialTraining`.

    Raises:
        TypeError: If an argument is not of the right kind.
        ValueError: If `x` has no rows, or a number is out of range; when training begins, if `x`
            is several inputs and the classifier has one.

    Example:

    ```python
    inputs = keras.Input((2,))
    classifier = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    classifier.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.random.normal(size=(32, 2)).astype("float32"), np.random.randint(2, size=32)
    monitor = keras_vat.callbacks.SmoothnessMonitor(x, epsilon=0.5)
    history = classifier.fit(x, y, epochs=2, callbacks=[monitor])
    history.history["lds"]  # one number per epoch
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), equation 5 and
    figure 2.
    """

    def __init__(
        self,
        x: Any,
        epsilon: float,
        num_power_iterations: int = 1,
        batch_size: int = 256,
        seed: int | None = 0,
        name: str = "lds",
        perturb_at: Any = None,
        scale: Any = None,
        temperature: float = 1.0,
    ):
        super().__init__()
        check_inputs(x)
        self.x = x
        self.perturbation = VirtualAdversarialPerturbation(
            epsilon,
            num_power_iterations,
            seed=arguments.seed(seed),
            perturb_at=perturb_at,
            scale=scale,
            temperature=temperature,
        )
        self.batch_size = arguments.whole_number("batch_size", batch_size, 1)
        self.name = arguments.string("name", name)

    def on_train_begin(self, logs=None):
        Forward.of(self.model).check_inputs(self.x)

    def on_epoch_end(self, epoch, logs=None):
        smoothness = local_distributional_smoothness(
            self.model,  # a `VATModel` knows what its classifier's output means
            self.x,
            perturbation=self.perturbation,
            batch_size=self.batch_size,
        )
        if logs is not None:
            logs[self.name] = float(np.mean(smoothness))
