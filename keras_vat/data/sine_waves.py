"""Noisy sine waves of two almost equal frequencies."""

import numpy as np

from keras_vat import arguments


def sine_waves(
    n: int = 10_000, noise: float = 0.1, length: int = 100, seed: int | None = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draws noisy sine waves; the class is the angular frequency.

    Formula, for t evenly spaced from -2 pi to 2 pi:

        x_t = sin(omega t + phi) + eta,  phi ~ U(0, pi / 2),  eta ~ N(0, noise^2) for every t
        omega = 0.99 (class 1) or 1.01 (class 0)

    Args:
        n: Number of waves; half of them, rounded up, are of class 0. Defaults to `10000`.
        noise: Standard deviation of eta. Defaults to `0.1`.
        length: Number of positions. Defaults to `100`.
        seed: Integer. Defaults to `0`.

    Returns:
        `(x, y)`: signals `(n, length, 1)` of `float32`, classes 0 and 1, `(n,)` of `int32`, in
        random order.

    Example:

    ```python
    from keras_vat.data import sine_waves

    x, y = sine_waves(n=1000)
    ```

    Reference: "Regularization Neural Networks via Constrained Virtual Movement Field" (anonymous,
    2018), eq. 21: 10,000 waves, of which 1,000 train.
    """
    n = arguments.whole_number("n", n, 2)
    length = arguments.whole_number("length", length, 2)
    noise = arguments.non_negative("noise", noise)
    rng = np.random.default_rng(arguments.whole_number("seed", seed, 0))
    y = rng.permutation(np.arange(n) % 2)
    omega = np.where(y == 1, 0.99, 1.01)[:, None]
    phi = rng.uniform(0, np.pi / 2, (n, 1))
    t = np.linspace(-2 * np.pi, 2 * np.pi, length)
    x = np.sin(omega * t + phi) + rng.normal(0, noise, (n, length))
    return x[..., None].astype("float32"), y.astype("int32")
