"""Two interleaving half circles."""

import numpy as np

from keras_vat import arguments


def two_moons(
    n: int = 1000, noise: float = 0.1, seed: int | None = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draws points of two interleaving half circles, one per class.

    Args:
        n: Number of points. Defaults to `1000`.
        noise: Standard deviation of the Gaussian noise on each coordinate. Defaults to `0.1`.
        seed: Integer. Defaults to `0`.

    Returns:
        `(x, y)`: points `(n, 2)` of `float32`, classes 0 and 1, `(n,)` of `int32`.

    Raises:
        TypeError, ValueError: If a number is of the wrong kind or out of range.
        ImportError: If scikit-learn is not installed.

    Example:

    ```python
    from keras_vat.data import two_moons

    x, y = two_moons(n=500)
    ```
    """
    n = arguments.whole_number("n", n, 2)
    noise = arguments.non_negative("noise", noise)
    seed = arguments.whole_number("seed", seed, 0)
    try:
        from sklearn.datasets import make_moons
    except ImportError as error:
        raise ImportError(
            "`two_moons` needs scikit-learn. Install it with `pip install scikit-learn`."
        ) from error
    x, y = make_moons(n, noise=noise, random_state=seed)
    return x.astype("float32"), y.astype("int32")
